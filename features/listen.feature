Feature: Listening for peers
  A listener hands out one connection for every peer that has proved it speaks POOL.

  Scenario: Listen and accept
    Given a listener
    When the client dials the server
    And the server accepts
    And the client writes "first words"
    Then the server reads "first words"

  Scenario: The listener tells the port it was given
    When the server listens on port 0
    Then the listener's port is not 0
    And the listener's address ends in its port

  Scenario: Accept, and then the peer comes
    Given a listener
    And the server is waiting to accept
    When the client dials the server
    Then the server gets the connection
    And both ends show the same session id

  Scenario: Every peer gets a connection of its own
    Given a listener
    When 3 clients dial the server, each with its own greeting
    Then the server accepts 3 connections and reads each greeting once

  Scenario: The remote address of an accepted connection
    Given a connection
    Then the server's remote address is the client's local address

  Scenario: Nobody comes before the accept deadline
    Given a listener
    When the server tries to accept with a deadline 100 ms from now
    Then it fails with ERR_POOL_TIMEOUT
    And the error counts as a timeout

  Scenario: A deadline that passed does not spoil the listener
    Given a listener
    When the server tries to accept with a deadline 50 ms from now
    And the server clears its accept deadline
    And the client dials the server
    And the server accepts
    And the client writes "still here"
    Then the server reads "still here"

  Scenario: Close a listener that waits
    Given a listener
    And the server is waiting to accept
    When the server closes its listener
    Then the waiting accept fails with ERR_POOL_CLOSED
    And accepting again fails with ERR_POOL_CLOSED

  Scenario: A loop over a listener ends when it closes
    Given a listener
    And the server loops over its connections
    When the client dials the server
    And the loop has got 1 connection
    And the server closes its listener
    Then the loop ends after 1 connection

  Scenario: Serve hands each connection to a handler
    Given a listener
    And the server serves each connection by answering in capitals
    When the client dials the server
    And the client writes "louder please"
    Then the client reads "LOUDER PLEASE"

  Scenario: An accepted connection outlives its listener
    Given a connection
    When the server closes its listener
    And the client writes "still connected"
    Then the server reads "still connected"
