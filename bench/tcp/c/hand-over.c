// A dispatcher as small as it can be: what the kernel alone takes for accepting connections and handing them to other processes.
// hand-over WORKERS one|turn: accepts, and gives each connection to the next worker with SCM_RIGHTS; a message for each, or one for all of a turn.
// It keeps no account of workers, waits for no word of theirs, and closes at once. Workers send back what comes.
// Prints {"port": N} and serves until it is killed, or the process that started it ends.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, BUFFER = 64 * 1024, BACKLOG = 4096, BATCH = 253, WORKERS_MAX = 64 };

typedef union {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(BATCH * sizeof(int))];
} Control;

static int sockets[WORKERS_MAX], batches[WORKERS_MAX][BATCH], lengths[WORKERS_MAX];

static void die(const char *what) {
  perror(what);
  exit(1);
}

static struct msghdr message_of(Control *control, struct iovec *part) {
  return (struct msghdr){.msg_iov = part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control->bytes};
}

static void watch(int set, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

// Sends all that the worker has been given since the last time. It waits for a worker that has no room.
static void flush(int worker) {
  Control control;
  char byte = 0;
  struct iovec part = {&byte, 1};
  struct msghdr message = message_of(&control, &part);
  size_t size = lengths[worker] * sizeof(int);
  if (size == 0) return;
  control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(&control.header), batches[worker], size);
  message.msg_controllen = CMSG_SPACE(size);
  if (sendmsg(sockets[worker], &message, MSG_NOSIGNAL) < 0) die("sendmsg");
  for (int at = 0; at < lengths[worker]; at++) close(batches[worker][at]);
  lengths[worker] = 0;
}

static void dispatch(int listener, int workers, int limit) {
  int set = epoll_create1(EPOLL_CLOEXEC), next = 0;
  struct epoll_event event;
  watch(set, listener);
  for (;;) {
    epoll_wait(set, &event, 1, -1);
    for (;;) {
      int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) break;
      int worker = next++ % workers;
      batches[worker][lengths[worker]++] = fd;
      if (lengths[worker] == limit) flush(worker);
    }
    for (int worker = 0; worker < workers; worker++) flush(worker);
  }
}

static void adopt_all(int set, int from) {
  for (;;) {
    Control control;
    char bytes[1];
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr message = message_of(&control, &part);
    ssize_t count = recvmsg(from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count == 0) exit(0);
    if (count < 0) return;
    int *fds = (int *)CMSG_DATA(&control.header);
    int length = (control.header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (int at = 0; at < length; at++) watch(set, fds[at]);
  }
}

static void work(int from) {
  int set = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event events[EVENTS];
  static char buffer[BUFFER];
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  watch(set, from);
  for (;;) {
    int count = epoll_wait(set, events, EVENTS, -1);
    for (int at = 0; at < count; at++) {
      int fd = events[at].data.fd;
      if (fd == from) adopt_all(set, from);
      else {
        ssize_t length = recv(fd, buffer, sizeof buffer, 0);
        if (length < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (length <= 0 || send(fd, buffer, length, MSG_NOSIGNAL) != length) close(fd);
      }
    }
  }
}

static int listen_anywhere(struct sockaddr_in *address) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
  socklen_t length = sizeof *address;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)address, sizeof *address) < 0) die("bind");
  if (listen(fd, BACKLOG) < 0) die("listen");
  getsockname(fd, (struct sockaddr *)address, &length);
  return fd;
}

int main(int argc, char **argv) {
  int workers = argc == 3 ? atoi(argv[1]) : 0;
  if (workers < 1 || workers > WORKERS_MAX) return fprintf(stderr, "hand-over WORKERS one|turn\n"), 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  for (int worker = 0; worker < workers; worker++) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) die("socketpair");
    if (fork() == 0) {
      close(pair[0]);
      work(pair[1]);
    }
    close(pair[1]);
    sockets[worker] = pair[0];
  }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int listener = listen_anywhere(&address);
  printf("{\"port\": %d}\n", ntohs(address.sin_port));
  fflush(stdout);
  dispatch(listener, workers, strcmp(argv[2], "turn") == 0 ? BATCH : 1);
}
