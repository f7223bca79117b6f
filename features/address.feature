Feature: Addresses
  An address is a host and a port, written as everywhere: an IPv6 host in brackets, the port 9253 unless another is given.

  Scenario Outline: Parse an IPv4 address
    When the address "<text>" is parsed
    Then its host is "<host>", its port <port> and its family IPv4
    And it is written "<written>"

    Examples:
      | text              | host            | port  | written               |
      | 10.0.0.1:9253     | 10.0.0.1        | 9253  | 10.0.0.1:9253         |
      | 127.0.0.1:1       | 127.0.0.1       | 1     | 127.0.0.1:1           |
      | 192.168.1.2:65535 | 192.168.1.2     | 65535 | 192.168.1.2:65535     |
      | 255.255.255.255:8 | 255.255.255.255 | 8     | 255.255.255.255:8     |
      | 10.0.0.1          | 10.0.0.1        | 9253  | 10.0.0.1:9253         |

  Scenario Outline: Parse an IPv6 address
    When the address "<text>" is parsed
    Then its host is "<host>", its port <port> and its family IPv6
    And it is written "<written>"

    Examples:
      | text                | host          | port  | written             |
      | [::1]:9253          | ::1           | 9253  | [::1]:9253          |
      | [2001:db8::1]:9253  | 2001:db8::1   | 9253  | [2001:db8::1]:9253  |
      | [fe80::1%eth0]:9253 | fe80::1%eth0  | 9253  | [fe80::1%eth0]:9253 |
      | [::]:1              | ::            | 1     | [::]:1              |
      | [::1]               | ::1           | 9253  | [::1]:9253          |

  Scenario Outline: A bad address is refused before anything is sent
    When the client tries to dial "<address>"
    Then it fails with <code>
    And the error's message shows "<shown>"

    Examples:
      | address             | code                     | shown       |
      | 10.0.0.1:           | ERR_POOL_INVALID_ADDRESS | 10.0.0.1:   |
      | 10.0.0.1:http       | ERR_POOL_INVALID_ADDRESS | http        |
      | 10.0.0.1:-1         | ERR_POOL_INVALID_ADDRESS | -1          |
      | 10.0.0.1:65536      | ERR_OUT_OF_RANGE         | 65536       |
      | 10.0.0.1:9253:1     | ERR_POOL_INVALID_ADDRESS | 9253:1      |
      | [::1                | ERR_POOL_INVALID_ADDRESS | [::1        |
      | [::1]9253           | ERR_POOL_INVALID_ADDRESS | [::1]9253   |
      | [::1]:              | ERR_POOL_INVALID_ADDRESS | [::1]:      |
      | [10.0.0.1]:9253     | ERR_POOL_INVALID_ADDRESS | [10.0.0.1]  |
      | []:9253             | ERR_POOL_INVALID_ADDRESS | []          |
      | [12345::1]:9253     | ERR_POOL_INVALID_ADDRESS | 12345       |
      | 2001:db8::1:9253:zz | ERR_POOL_INVALID_ADDRESS | 2001:db8    |
      | two words:9253      | ERR_POOL_INVALID_ADDRESS | two words   |
      | 127.0.0.1:0         | ERR_OUT_OF_RANGE         | 0           |

  Scenario Outline: An address of the other family is refused
    When the client tries to dial "<address>" over "<network>"
    Then it fails with ERR_POOL_INVALID_ADDRESS
    And the error's message shows "<network>"

    Examples:
      | network | address        |
      | pool4   | [::1]:9253     |
      | pool6   | 127.0.0.1:9253 |
