Feature: Errors
  Every failure has a code that a program may switch on and a message that a person can act on.

  Scenario: Nobody listens
    Given a port where nobody listens
    When the client tries to dial it
    Then it fails with ECONNREFUSED
    And the error names the address that was dialled
    And the error is a PoolError

  Scenario: The network is unreachable
    When the client tries to dial "127.255.255.255:9253"
    Then it fails with ERR_POOL_NET_UNREACHABLE
    And the error's message shows "127.255.255.255:9253"

  Scenario: The session table is full
    Given a listener
    When a program dials the server until its session table is full
    Then that program saw ERR_POOL_SESSION_FULL
    And it had filled every slot it could have

  Scenario Outline: A peer that fails authentication
    Given a peer that <fault>
    When the client tries to dial it
    Then it fails with ERR_POOL_AUTH_FAILED, if the backend checks it

    Examples:
      | fault                                  |
      | offers a key that makes no secret      |
      | forges its acknowledgement             |

  Scenario Outline: A peer that breaks the protocol
    Given a peer that <fault>
    When the client tries to dial it
    Then it fails with ERR_POOL_PROTOCOL

    Examples:
      | fault                                 |
      | answers INIT with DATA                |

  Scenario Outline: A peer that breaks the protocol in a way that the kernel module does not look for
    Given a peer that <fault>
    When the client tries to dial it
    Then it fails with ERR_POOL_PROTOCOL, if the backend checks it

    Examples:
      | fault                                 |
      | answers in HTTP                       |
      | speaks version 2                      |
      | sets a puzzle that nobody solves      |

  Scenario: A peer that hangs up in the handshake
    Given a peer that hangs up
    When the client tries to dial it
    Then it fails with ECONNRESET

  Scenario: A message that is too large
    Given a connection
    When the client tries to write a message one byte over its largest size
    Then it fails with ERR_POOL_MESSAGE_TOO_LARGE
    When the client writes "the connection is still good"
    Then the server reads "the connection is still good"

  Scenario: Write to a peer that has closed
    Given a connection
    When the server closes
    And the client reads the end
    And the client tries to write a message
    Then it fails with ERR_POOL_NOT_ESTABLISHED

  Scenario: The port is taken
    Given a port that another program listens on
    When the server tries to listen there
    Then it fails with EADDRINUSE
    And the error's message shows its port

  Scenario Outline: Options are checked before anything is sent
    When the client tries to dial "127.0.0.1:9253" with <option> set to <value>
    Then it fails with <code>
    And the error's message shows "<option>"

    Examples:
      | option         | value   | code                  |
      | network        | "tcp"   | ERR_INVALID_ARG_VALUE |
      | network        | 4       | ERR_INVALID_ARG_TYPE  |
      | backend        | "cloud" | ERR_INVALID_ARG_VALUE |
      | timeout        | -1      | ERR_OUT_OF_RANGE      |
      | timeout        | "soon"  | ERR_INVALID_ARG_TYPE  |
      | readQueueBytes | 0       | ERR_OUT_OF_RANGE      |
      | idleTimeout    | "never" | ERR_INVALID_ARG_TYPE  |
      | channels       | [0]     | ERR_OUT_OF_RANGE      |
      | channels       | [256]   | ERR_OUT_OF_RANGE      |
      | channels       | "1,2"   | ERR_INVALID_ARG_TYPE  |
      | signal         | "stop"  | ERR_INVALID_ARG_TYPE  |

  Scenario Outline: What is written must be bytes or text
    Given a connection
    When the client tries to write the value <value>
    Then it fails with ERR_INVALID_ARG_TYPE

    Examples:
      | value     |
      | 42        |
      | null      |
      | {"a":1}   |
      | [1,2,3]   |
