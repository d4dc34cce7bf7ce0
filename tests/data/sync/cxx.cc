// SPDX-License-Identifier: Apache-2.0
// Coroutines in C++: objects over channels, exceptions from deep stacks, lambdas.
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>
#include <iostream>
#include <corun.h>

static co_chan *words;
static co_mutex m;
struct Guard { Guard() { co_mutex_lock(&m); } ~Guard() { co_mutex_unlock(&m); } };

static __attribute__((noinline)) int deep(int n)
{
	Guard *g = n == 7 ? new Guard : nullptr;
	volatile char room[200];
	room[0] = 1;
	if (!n)
		throw std::runtime_error("from below");
	int r = deep(n - 1) + room[0];
	delete g;
	return r;
}

static void speaker(void *)
{
	std::vector<std::string> v{ "hello", "world" };
	for (auto &s : v) {
		auto *copy = new std::string(s);
		co_chan_send(words, &copy);
	}
	try {
		deep(60);
	} catch (const std::exception &e) {
		auto *copy = new std::string(e.what());
		co_chan_send(words, &copy);
	}
	co_chan_close(words);
}

static void start(void *)
{
	std::string *word;
	if (co_chan_make(sizeof(word), 0, &words) || co_go(speaker, nullptr))
		return;
	while (!co_chan_recv(words, &word)) {
		std::cout << *word << std::endl;
		delete word;
	}
	co_chan_free(words);
	co_go([](void *) { std::puts("lambda"); }, nullptr);
	co_yield();
	co_case cases[] = { { nullptr, CO_DEFAULT, 0, nullptr } };
	std::printf("%d\n", co_select(cases, 1));
}
int main() { return co_run(nullptr, start, nullptr) != 0; }
