Feature: Dialling a peer
  A program dials a POOL address as it would dial a TCP one, and gets a connection it can talk over.

  Scenario: Dial and communicate
    Given an echo server
    When the client dials the server
    And the client writes "hello POOL"
    Then the client reads "hello POOL"

  Scenario: Dial over IPv6
    Given an echo server on IPv6 loopback
    When the client dials "[::1]:PORT"
    And the client writes "hello over IPv6"
    Then the client reads "hello over IPv6"
    And the client's remote address is "[::1]:PORT"

  Scenario: Dial a host by its name
    Given an echo server
    When the client dials "localhost:PORT"
    And the client writes "hello by name"
    Then the client reads "hello by name"

  Scenario: Dial host and port given apart
    Given an echo server
    When the client dials host "127.0.0.1" and the server's port
    And the client writes "hello in two parts"
    Then the client reads "hello in two parts"

  Scenario Outline: Dial over a network of one family, or of either
    Given an echo server on <family> loopback
    When the client dials "<address>" over "<network>"
    And the client writes "hello <network>"
    Then the client reads "hello <network>"

    Examples:
      | network | family | address        |
      | pool    | IPv4   | 127.0.0.1:PORT |
      | pool    | IPv6   | [::1]:PORT     |
      | pool4   | IPv4   | 127.0.0.1:PORT |
      | pool6   | IPv6   | [::1]:PORT     |

  Scenario: Dial with a timeout that is long enough
    Given an echo server
    When the client dials the server with a timeout of 20000 ms
    And the client writes "in time"
    Then the client reads "in time"

  Scenario: Dial with a timeout, and the peer never answers
    Given a peer that never answers
    When the client tries to dial it with a timeout of 200 ms
    Then it fails with ERR_POOL_TIMEOUT
    And the error counts as a timeout
    And the error names the address that was dialled

  Scenario: Give up a dial
    Given a peer that never answers
    When the client tries to dial it and gives up after 100 ms
    Then it fails with AbortError

  Scenario: Look up an address without a connection
    When the client resolves "localhost:9253" over "pool4"
    Then it gets the address "127.0.0.1:9253" of family IPv4
