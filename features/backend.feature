Feature: The two backends
  On a machine with the kernel module pool-ts drives /dev/pool; elsewhere it runs a POOL node of its own, and says so once.

  Scenario: A connection names its backend
    Given a connection
    Then the client's backend is the one that the environment asks for

  Scenario: Without a device the embedded node is used, and the process is told once
    When a program without a device dials twice with the backend "auto"
    Then both its connections use the backend "user"
    And it was warned once, with the code POOL_EMBEDDED_NODE

  Scenario: Who asks for the user-space node is not warned
    When a program without a device dials twice with the backend "user"
    Then both its connections use the backend "user"
    And it was not warned
