/*
 * One request a run, as an administrator's tool makes them: control <device> <verb> ... It opens the device, asks, prints and
 * ends: what it began is the device's, and the next run goes on with it. Fails with "<errno> <its words>" and 1.
 */
#include "pool.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int device;

static int answered(int ret) {
  if (ret >= 0) return ret;
  printf("%d %s\n", errno, strerror(errno));
  exit(1);
}

static void listen_at(char **words) {
  uint16_t port = (uint16_t)atoi(words[0]);
  answered(ioctl(device, POOL_IOC_LISTEN, &port));
  puts("listening");
}

/* IPv4 as such tools have it: the mapped address, with the family of IPv4. */
static void connect_to(char **words) {
  struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
  struct pool_connect_req req = { .peer_port = (uint16_t)atoi(words[1]) };
  if (getaddrinfo(words[0], NULL, &hints, &found) != 0) { puts("no such host"); exit(1); }
  req.addr_family = (uint8_t)found->ai_family;
  if (found->ai_family == AF_INET6) {
    memcpy(req.peer_addr, &((struct sockaddr_in6 *)found->ai_addr)->sin6_addr, 16);
  } else {
    req.peer_addr[10] = req.peer_addr[11] = 0xff;
    memcpy(req.peer_addr + 12, &((struct sockaddr_in *)found->ai_addr)->sin_addr, 4);
  }
  printf("%d\n", answered(ioctl(device, POOL_IOC_CONNECT, &req)));
}

static unsigned table(struct pool_session_info *infos) {
  struct pool_session_list list = { .max_sessions = 64, .info_ptr = (uintptr_t)infos };
  answered(ioctl(device, POOL_IOC_SESSIONS, &list));
  return list.count;
}

/* The table is on the stack: what the device is given is memory of any kind. */
static void sessions(char **words) {
  struct pool_session_info infos[64];
  unsigned count = table(infos);
  (void)words;
  for (unsigned at = 0; at < count; at++) {
    char address[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, infos[at].peer_addr, address, sizeof address);
    printf("%u %s %u %u %llu %llu\n", infos[at].index, address, infos[at].peer_port, infos[at].state,
           (unsigned long long)infos[at].bytes_sent, (unsigned long long)infos[at].bytes_recv);
  }
}

static void telemetry(char **words) {
  struct pool_session_info infos[64];
  unsigned count = table(infos);
  for (unsigned at = 0; at < count; at++) {
    struct pool_telemetry *t = &infos[at].telemetry;
    if (infos[at].index != (uint32_t)atoi(words[0])) continue;
    printf("mtu=%u queue=%u loss=%u uptime=%d\n", t->mtu_current, t->queue_depth, t->loss_rate_ppm, t->uptime_ns > 0);
  }
}

/* An argument of the command line is sent as it lies there. */
static void send_text(char **words) {
  struct pool_send_req req = { .session_idx = (uint32_t)atoi(words[0]), .channel = (uint8_t)atoi(words[1]),
                               .len = (uint32_t)strlen(words[2]), .data_ptr = (uintptr_t)words[2] };
  answered(ioctl(device, POOL_IOC_SEND, &req));
  printf("sent %u\n", req.len);
}

static void receive(char **words) {
  char bytes[65536];
  struct pool_recv_req req = { .session_idx = (uint32_t)atoi(words[0]), .channel = (uint8_t)atoi(words[1]),
                               .len = sizeof bytes - 1, .data_ptr = (uintptr_t)bytes };
  answered(ioctl(device, POOL_IOC_RECV, &req));
  printf("%.*s\n", (int)req.len, bytes);
}

static void channel(char **words) {
  unsigned char bits[32] = { 0 };
  struct pool_channel_req req = { .session_idx = (uint32_t)atoi(words[0]), .channel = (uint8_t)atoi(words[1]),
                                  .operation = (uint8_t)atoi(words[2]), .data_ptr = (uintptr_t)bits };
  answered(ioctl(device, POOL_IOC_CHANNEL, &req));
  for (int at = 0; at < 256; at++) if (bits[at / 8] >> (at % 8) & 1) printf("%d ", at);
  puts("");
}

static void close_session(char **words) {
  uint32_t index = (uint32_t)strtoul(words[0], NULL, 0);
  answered(ioctl(device, POOL_IOC_CLOSE_SESS, &index));
  puts("closed");
}

static void stop(char **words) {
  (void)words;
  answered(ioctl(device, POOL_IOC_STOP));
  puts("stopped");
}

static const struct { const char *name; int words; void (*run)(char **words); } verbs[] = {
  { "listen", 1, listen_at }, { "connect", 2, connect_to }, { "sessions", 0, sessions }, { "telemetry", 1, telemetry },
  { "send", 3, send_text }, { "recv", 2, receive }, { "channel", 3, channel }, { "close", 1, close_session }, { "stop", 0, stop },
};

int main(int argc, char **argv) {
  for (size_t at = 0; argc > 2 && at < sizeof verbs / sizeof verbs[0]; at++) {
    if (strcmp(argv[2], verbs[at].name) != 0 || argc != 3 + verbs[at].words) continue;
    device = answered(open(argv[1], O_RDWR));
    verbs[at].run(argv + 3);
    return 0;
  }
  return 2;
}
