/* The yardstick of `lars bench agent`: what the kernel lets anybody do who takes datagrams in batches and sends as many back.
 *
 *   echo THREADS
 *
 * Each thread has a socket of its own on loopback. The ports are printed as one line of JSON. A datagram is sent back as it came; one
 * whose first byte says ReportRequest is taken and not answered. It ends when its standard input does. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOTS 128
#define SLOT_BYTES 2048
#define RECEIVE_BUFFER_BYTES (4 * 1024 * 1024)
#define REPORT_REQUEST 6

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int open_socket(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int bytes = RECEIVE_BUFFER_BYTES;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0) fail("socket");
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0) fail("getsockname");
    *port = ntohs(address.sin_port);
    return fd;
}

struct slot {
    char bytes[SLOT_BYTES];
    struct iovec iovec;
    struct sockaddr_in peer;
};

static void *serve(void *argument)
{
    int fd = *(int *)argument;
    struct slot *slots = calloc(SLOTS, sizeof *slots);
    struct mmsghdr *in = calloc(SLOTS, sizeof *in);
    struct mmsghdr *out = calloc(SLOTS, sizeof *out);
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    if (slots == NULL || in == NULL || out == NULL) fail("calloc");
    for (int i = 0; i < SLOTS; i++) {
        slots[i].iovec.iov_base = slots[i].bytes;
        in[i].msg_hdr = (struct msghdr){.msg_name = &slots[i].peer, .msg_iov = &slots[i].iovec, .msg_iovlen = 1};
    }
    for (;;) {
        if (poll(&readable, 1, -1) < 0) continue;
        for (int i = 0; i < SLOTS; i++) {
            slots[i].iovec.iov_len = SLOT_BYTES;
            in[i].msg_hdr.msg_namelen = sizeof slots[i].peer;
        }
        int received = recvmmsg(fd, in, SLOTS, MSG_DONTWAIT, NULL);
        int answers = 0;
        for (int i = 0; i < received; i++) {
            if (slots[i].bytes[0] == REPORT_REQUEST) continue;
            slots[i].iovec.iov_len = in[i].msg_len;
            out[answers++] = in[i];
        }
        for (int sent = 0; sent < answers;) {
            int count = sendmmsg(fd, out + sent, answers - sent, 0);
            /* One that cannot be sent does not hold up those behind it. */
            sent += count > 0 ? count : 1;
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    if (threads < 1 || threads > 64) {
        fprintf(stderr, "echo: so many threads cannot be: %s\n", argc > 1 ? argv[1] : "");
        return 2;
    }
    int *sockets = calloc(threads, sizeof *sockets);
    if (sockets == NULL) fail("calloc");
    printf("{\"ports\":[");
    for (int i = 0; i < threads; i++) {
        unsigned port;
        pthread_t thread;
        sockets[i] = open_socket(&port);
        if (pthread_create(&thread, NULL, serve, &sockets[i]) != 0) fail("pthread_create");
        printf("%s%u", i > 0 ? "," : "", port);
    }
    printf("]}\n");
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    return 0;
}
