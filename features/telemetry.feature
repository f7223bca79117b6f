Feature: Telemetry and session state
  A program can ask how its session is doing without leaving the connection.

  Scenario: Telemetry of a new connection
    Given a connection
    When the client asks for telemetry
    Then the telemetry holds a number for each of:
      | lossPercent   |
      | lossRatePpm   |
      | throughputBps |
      | mtuCurrent    |
      | queueDepth    |
      | rekeyCount    |
      | configVersion |
    And the round trip is known, or told to be unknown
    And the telemetry's microseconds are its nanoseconds, divided
    And the path MTU is between 512 and 65535

  Scenario: A heartbeat measures the round trip
    Given a connection
    When the client has waited for a heartbeat's answer
    Then the round trip is longer than 0 and shorter than 5 s
    And the uptime has grown

  Scenario: The state of a session
    Given a connection
    When the client asks for the session's state
    Then the state is "ESTABLISHED"

  Scenario: What the session table knows
    Given a connection
    When the client has written 5000 bytes and the server has read them
    And the client asks for the session's information
    Then the information shows the session id and the slot of the connection
    And the information counts at least 5000 bytes sent
    And the information shows the state "ESTABLISHED"

  Scenario: A connection counts the bytes of its program
    Given a connection
    When the client has written 5000 bytes and the server has read them
    Then the client has written 5000 bytes in all
    And the server has read 5000 bytes in all
