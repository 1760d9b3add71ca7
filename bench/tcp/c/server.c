// A TCP server on epoll: the yardstick for servers, and what proxies are put in front of.
// server THREADS echo|sink: sends back what comes, or only reads it. Each thread accepts from a socket of its own (SO_REUSEPORT).
// Prints {"port": N} and serves until it is killed, or the process that started it ends.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, BUFFER = 256 * 1024, BACKLOG = 4096 };

static int is_sink;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int listen_on(struct sockaddr_in *address) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
  socklen_t length = sizeof *address;
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)address, sizeof *address) < 0) die("bind");
  if (listen(fd, BACKLOG) < 0) die("listen");
  getsockname(fd, (struct sockaddr *)address, &length);
  return fd;
}

static void accept_all(int set, int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
  }
}

// Messages are small enough that the kernel takes each answer whole.
static void serve(int fd, char *buffer) {
  ssize_t count = recv(fd, buffer, BUFFER, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0 || (!is_sink && send(fd, buffer, count, MSG_NOSIGNAL) != count)) close(fd);
}

static void *run(void *argument) {
  int listener = (int)(long)argument, set = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.fd = listener};
  char *buffer = malloc(BUFFER);
  epoll_ctl(set, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int count = epoll_wait(set, events, EVENTS, -1);
    for (int at = 0; at < count; at++) {
      if (events[at].data.fd == listener) accept_all(set, listener);
      else serve(events[at].data.fd, buffer);
    }
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "server THREADS echo|sink\n"), 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  is_sink = strcmp(argv[2], "sink") == 0;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
  int threads = atoi(argv[1]);
  for (int thread = 0; thread < threads; thread++) {
    pthread_t id;
    long listener = listen_on(&address);
    if (pthread_create(&id, NULL, run, (void *)listener) != 0) die("pthread_create");
  }
  printf("{\"port\": %d}\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) pause();
}
