Feature: Many at once
  Concurrent use is legal everywhere; nothing is lost and nothing comes twice.

  Scenario: Ten writers and ten readers on one connection
    Given a connection
    When 10 writers on the client write 50 messages each, while 10 readers on the server read
    Then every message was read exactly once

  Scenario: Ten writers and ten readers, both ways
    Given a connection
    When 10 writers on each side write 20 messages each, while 10 readers on each side read
    Then every message was read exactly once

  Scenario: Ten clients at the same time
    Given an echo server
    When 10 clients dial the server at once and each sends 20 messages
    Then every client got exactly its own messages back, in order

  Scenario: Reads are served first come, first served
    Given a connection
    When the client starts 5 reads
    And the server writes the messages:
      | 1 |
      | 2 |
      | 3 |
      | 4 |
      | 5 |
    Then the reads settle in the order in which they were started
