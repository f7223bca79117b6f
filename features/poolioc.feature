Feature: poolioc, the mirror of pool.h
  Whoever talks to /dev/pool directly finds the structures and numbers of the C header, byte for byte.

  Scenario Outline: IPv4-mapped addresses
    When the IPv4 address "<ipv4>" is mapped
    Then the 16 bytes are "<bytes>"
    And they are recognised as IPv4-mapped
    And mapping them back gives "<ipv4>"

    Examples:
      | ipv4            | bytes                            |
      | 10.0.0.1        | 00000000000000000000ffff0a000001 |
      | 127.0.0.1       | 00000000000000000000ffff7f000001 |
      | 0.0.0.0         | 00000000000000000000ffff00000000 |
      | 255.255.255.255 | 00000000000000000000ffffffffffff |

  Scenario Outline: Addresses that are not IPv4-mapped
    When the 16 bytes "<bytes>" are looked at
    Then they are not recognised as IPv4-mapped

    Examples:
      | bytes                            |
      | 00000000000000000000000000000001 |
      | 20010db8000000000000000000000001 |
      | 0000000000000000000000000a000001 |

  Scenario Outline: The number of each request
    Then <request> is <number>

    Examples:
      | request             | number     |
      | POOL_IOC_LISTEN     | 0x40025001 |
      | POOL_IOC_CONNECT    | 0x40185002 |
      | POOL_IOC_SEND       | 0x40185003 |
      | POOL_IOC_RECV       | 0xc0185004 |
      | POOL_IOC_SESSIONS   | 0xc0105005 |
      | POOL_IOC_CLOSE_SESS | 0x40045006 |
      | POOL_IOC_STOP       | 0x00005007 |
      | POOL_IOC_CHANNEL    | 0xc0185008 |

  Scenario Outline: The layout of each structure
    Then the structure <structure> has <size> bytes, with <fields>

    Examples:
      | structure          | size | fields |
      | pool_connect_req   | 24   | peer_addr@0 peer_port@16 addr_family@18 pool_version@19 reserved@20 |
      | pool_send_req      | 24   | session_idx@0 channel@4 flags@5 reserved@6 len@8 data_ptr@16 |
      | pool_recv_req      | 24   | session_idx@0 channel@4 flags@5 reserved@6 len@8 data_ptr@16 |
      | pool_session_info  | 120  | index@0 peer_addr@4 peer_port@20 addr_family@22 state@23 session_id@24 bytes_sent@40 bytes_recv@48 packets_sent@56 packets_recv@64 rekey_count@72 telemetry@76 |
      | pool_telemetry     | 44   | rtt_ns@0 jitter_ns@8 loss_rate_ppm@16 throughput_bps@20 mtu_current@24 queue_depth@26 uptime_ns@28 rekey_count@36 config_version@40 |
      | pool_session_list  | 16   | count@0 max_sessions@4 info_ptr@8 |
      | pool_channel_req   | 24   | session_idx@0 channel@4 operation@5 reserved@6 result@8 data_ptr@16 |
      | pool_header        | 80   | ver_type@0 reserved0@1 flags@2 seq@4 ack@12 session_id@20 timestamp@36 payload_len@44 channel@46 reserved1@47 hmac@48 |
      | pool_address       | 32   | type_version@0 org_id@4 segment_id@12 node_id@20 checksum@28 |

  Scenario Outline: A 64-bit field keeps every bit
    When <value> is written to bytes_sent of a pool_session_info
    Then reading it gives <value>

    Examples:
      | value                |
      | 0                    |
      | 9007199254740993     |
      | 18446744073709551615 |
