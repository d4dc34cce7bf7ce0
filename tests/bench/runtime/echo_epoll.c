/* SPDX-License-Identifier: Apache-2.0 */
/* echo-epoll PORT: the least an echo server can do: one thread, one loop over epoll. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	struct epoll_event ev[256], add = { .events = EPOLLIN };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ep = epoll_create1(0);
	char buf[512];
	int n, i;

	at.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 4096)) {
		perror("listen");
		return 1;
	}
	add.data.fd = listener;
	epoll_ctl(ep, EPOLL_CTL_ADD, listener, &add);
	for (;;) {
		n = epoll_wait(ep, ev, 256, -1);
		for (i = 0; i < n; i++) {
			int fd = ev[i].data.fd;
			ssize_t got;

			if (fd == listener) {
				add.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
				epoll_ctl(ep, EPOLL_CTL_ADD, add.data.fd, &add);
				continue;
			}
			got = read(fd, buf, sizeof(buf));
			if (got <= 0 || write(fd, buf, (size_t)got) != got)
				close(fd);
		}
	}
}
