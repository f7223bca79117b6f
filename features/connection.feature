Feature: A connection
  A connection carries messages whole and in order, keeps deadlines, and ends in a way that both sides can tell.

  Scenario: Local and remote address
    Given a connection
    Then the client's remote address is the listener's
    And the client's local address is one of this machine
    And both ends name the network "pool"
    And the client's address properties agree with its addresses

  Scenario: Addresses stay readable after close
    Given a connection
    When the client closes
    Then the client's remote address is the listener's

  Scenario: Messages keep their bounds
    Given a connection
    When the client writes the messages:
      | one               |
      | two               |
      | a third, longer   |
    Then the server reads the messages:
      | one               |
      | two               |
      | a third, longer   |

  Scenario: The rest of a message is kept for the next read
    Given a connection
    When the client writes "abcdefgh"
    Then the server reads "abc" into 3 bytes
    And the server reads "def" into 3 bytes
    And the server reads "gh" into 3 bytes

  Scenario Outline: A message of any size arrives whole
    Given a connection
    When the client writes a message of <size> bytes
    Then the server reads that message

    Examples:
      | size  |
      | 1     |
      | 1304  |
      | 4096  |
      | 65511 |

  Scenario: The largest message arrives whole
    Given a connection
    When the client writes a message of its largest size
    Then the server reads that message

  Scenario: A long write is split and arrives in order
    Given a connection
    When the client writes 300000 bytes at once
    Then the server reads the same 300000 bytes

  Scenario: An empty write is nothing, an empty message is refused
    Given a connection
    When the client writes 0 bytes at once
    And the client tries to write an empty message
    Then it fails with ERR_INVALID_ARG_VALUE

  Scenario: Read deadline exceeded
    Given a connection
    When the client tries to read with a deadline 100 ms from now
    Then it fails with ERR_POOL_TIMEOUT
    And the error counts as a timeout

  Scenario: A deadline in the past fails at once, and can be cleared
    Given a connection
    When the client tries to read with a deadline 1000 ms ago
    Then it fails with ERR_POOL_TIMEOUT
    When the client clears its deadlines
    And the server writes "not lost"
    Then the client reads "not lost"

  Scenario: A read that timed out loses nothing
    Given a connection
    And the client tries to read with a deadline 50 ms from now
    When the server writes "came late"
    And the client clears its deadlines
    Then the client reads "came late"

  Scenario: Moving a deadline reaches a read that already waits
    Given a connection
    And the client is waiting for a message
    When the client sets its read deadline 50 ms from now
    Then the waiting read fails with ERR_POOL_TIMEOUT

  Scenario: Write deadline exceeded
    Given a connection
    When the client tries to write with a deadline 1000 ms ago
    Then it fails with ERR_POOL_TIMEOUT
    When the client clears its deadlines
    And the client writes "after the deadline"
    Then the server reads "after the deadline"

  Scenario: A peer that does not read makes the writer wait until its deadline
    Given a connection to a peer that does not read
    When the client keeps writing with a write deadline 300 ms from now
    Then it fails with ERR_POOL_TIMEOUT
    And the peer receives exactly the messages that were written

  Scenario: Giving up one read leaves the connection alone
    Given a connection
    When the client tries to read and gives up after 50 ms
    Then it fails with AbortError
    When the server writes "still there"
    Then the client reads "still there"

  Scenario: Close ends a read that waits
    Given a connection
    And the client is waiting for a message
    When the client closes
    Then the waiting read fails with ERR_POOL_CLOSED
    And the client's connection was closed by "local"

  Scenario: Closing twice is closing once
    Given a connection
    When the client closes
    And the client closes
    Then the client's state is "closed"

  Scenario Outline: Use after close
    Given a connection
    When the client closes
    And the client tries to <use>
    Then it fails with ERR_POOL_CLOSED

    Examples:
      | use                      |
      | read bytes               |
      | read a message           |
      | read all messages        |
      | write bytes              |
      | write a message          |
      | write several messages   |
      | open a channel           |
      | ask for telemetry        |

  Scenario: The peer closes
    Given a connection
    And the client is waiting for a message
    When the server closes
    Then the waiting read tells the end
    And the client reads the end, again and again
    And the client's connection was closed by "remote"

  Scenario: What was sent before the peer closed is read first
    Given a connection
    When the server writes "one last thing"
    And the server closes
    Then the client reads "one last thing", if the backend keeps what was queued
    And the client reads the end, again and again

  Scenario: The peer vanishes without closing
    Given a connection to another program
    And the client is waiting for a message
    When that program is killed
    Then the waiting read fails with ERR_POOL_PEER_LOST
    And the client's connection was closed by "error"

  Scenario: A loop over a connection ends when the peer closes
    Given a connection
    And the client loops over its messages
    When the server writes "first"
    And the server writes "second"
    And the client's loop has seen 2 messages
    And the server closes
    Then the loop ends after the messages:
      | first  |
      | second |
