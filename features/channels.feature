Feature: Channels
  A connection carries up to 255 more flows beside its own, each with its own messages and its own life.

  Scenario: Open a channel, write, and read the echo
    Given an echo server for channel 5
    When the client dials the server
    And the client opens channel 5
    And the client writes "channel 5 data" on channel 5
    Then the client reads "channel 5 data" from channel 5

  Scenario: Write after the channel was closed
    Given an echo server for channel 5
    When the client dials the server
    And the client opens channel 5
    And the client closes channel 5
    And the client tries to write on channel 5
    Then it fails with ERR_POOL_CLOSED

  Scenario: Closing a channel leaves the connection open
    Given an echo server for channel 5
    When the client dials the server
    And the client opens channel 5
    And the client closes channel 5
    And the client writes "still open"
    Then the client reads "still open"

  Scenario: Channels do not mix
    Given an echo server for channels 1, 2 and 255
    When the client dials the server
    And the client opens channels 1, 2 and 255
    And the client writes "for 255" on channel 255
    And the client writes "for 2" on channel 2
    And the client writes "for 1" on channel 1
    And the client writes "for the connection"
    Then the client reads "for 1" from channel 1
    And the client reads "for 2" from channel 2
    And the client reads "for 255" from channel 255
    And the client reads "for the connection"

  Scenario: A channel that nobody opened is read from the connection
    Given a connection
    When the client opens channel 9
    And the client writes "nobody opened me" on channel 9
    Then the server reads "nobody opened me"

  Scenario: Opening a channel twice gives the same channel
    Given a connection
    When the client opens channel 3
    Then opening channel 3 again gives the same channel

  Scenario: A channel has deadlines of its own
    Given an echo server for channel 5
    When the client dials the server
    And the client opens channel 5
    And the client tries to read from channel 5 with a deadline 50 ms from now
    Then it fails with ERR_POOL_TIMEOUT
    When the client writes "not my deadline"
    Then the client reads "not my deadline"

  Scenario: A channel ends with its connection
    Given an echo server for channel 5
    When the client dials the server
    And the client opens channel 5
    And the client closes
    And the client tries to read from channel 5
    Then it fails with ERR_POOL_CLOSED

  Scenario Outline: There is no such channel
    Given a connection
    When the client tries to open channel <channel>
    Then it fails with <code>

    Examples:
      | channel | code                 |
      | -1      | ERR_OUT_OF_RANGE     |
      | 0       | ERR_OUT_OF_RANGE     |
      | 256     | ERR_OUT_OF_RANGE     |
      | 1.5     | ERR_OUT_OF_RANGE     |
      | "five"  | ERR_INVALID_ARG_TYPE |
