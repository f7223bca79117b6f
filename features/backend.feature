Feature: The two backends
  On a machine with the kernel module pool-ts drives /dev/pool; elsewhere it runs a POOL node of its own. Who wants to know
  which asks the connection, or subscribes; nobody is warned, since both do the same work.

  Scenario: A connection names its backend
    Given a connection
    Then the client's backend is the one that the environment asks for

  Scenario: Without a device the embedded node is used, which is told to who subscribes and to nobody else
    When a program without a device dials twice with the backend "auto"
    Then both its connections use the backend "user"
    And each choice was published as "user", for want of the device
    And it printed no warning

  Scenario: Who asks for the user-space node gets it
    When a program without a device dials twice with the backend "user"
    Then both its connections use the backend "user"
    And each choice was published as "user", because it was asked for
    And it printed no warning
