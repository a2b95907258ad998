/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libseccomp compares a number with each one that has a rule. Neighbours mostly have the same answer, so that ranges do: a tree of
 * ">=" over the architectures, and below each a tree over the numbers, with the answers as its leaves. */
#include "seccomp_parts.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define NUMBER_AT offsetof(struct seccomp_data, nr)
#define ARCH_AT offsetof(struct seccomp_data, arch)
#define POINTS_MAX 8192

bool bpf_answer(const struct sock_filter *program, uint16_t length, uint32_t arch, uint32_t number, uint32_t *ret)
{
	uint32_t a = 0;

	for (size_t at = 0; at < length; at++) {	/* all jumps lead onwards */
		const struct sock_filter *i = &program[at];
		bool holds;

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (i->k != NUMBER_AT && i->k != ARCH_AT)
				return false;
			a = i->k == NUMBER_AT ? number : arch;
			continue;
		case BPF_JMP | BPF_JA:
			if (i->k >= length)
				return false;
			at += i->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			holds = a == i->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			holds = a >= i->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			holds = a > i->k;
			break;
		case BPF_RET | BPF_K:
			*ret = i->k;
			return true;
		default:
			return false;
		}
		at += holds ? i->jt : i->jf;
	}
	return false;
}

/* --- where the answer may change --- */

struct points {
	uint32_t *items;
	size_t n;
};

static void point_add(struct points *points, uint32_t value)
{
	points->items = xrealloc(points->items, (points->n + 1) * sizeof(*points->items));
	points->items[points->n++] = value;
}

static int compare_points(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Between two of these neighbours no comparison of the program comes out otherwise, whatever is compared. Sorted, each once. */
static void points_of(const struct sock_filter *program, uint16_t length, struct points *points)
{
	size_t n = 0;

	point_add(points, 0);
	for (size_t i = 0; i < length; i++) {
		if (BPF_CLASS(program[i].code) != BPF_JMP || BPF_OP(program[i].code) == BPF_JA)
			continue;
		point_add(points, program[i].k);
		if (program[i].k < UINT32_MAX)
			point_add(points, program[i].k + 1);
	}
	qsort(points->items, points->n, sizeof(*points->items), compare_points);
	for (size_t i = 0; i < points->n; i++)
		if (i == 0 || points->items[i] != points->items[n - 1])
			points->items[n++] = points->items[i];
	points->n = n;
}

/* --- ranges --- */

struct range {
	uint32_t first;		/* up to the next one's */
	uint32_t answer;
};

struct ranges {
	struct range *items;
	size_t n;
};

static bool ranges_of(const struct sock_filter *program, uint16_t length, const struct points *points, uint32_t arch,
		      struct ranges *ret)
{
	ret->items = xcalloc(points->n, sizeof(*ret->items));
	for (size_t i = 0; i < points->n; i++) {
		uint32_t answer;

		if (!bpf_answer(program, length, arch, points->items[i], &answer))
			return false;
		if (ret->n == 0 || ret->items[ret->n - 1].answer != answer)
			ret->items[ret->n++] = (struct range){ points->items[i], answer };
	}
	return true;
}

static bool ranges_same(const struct ranges *a, const struct ranges *b)
{
	return a->n == b->n && memcmp(a->items, b->items, a->n * sizeof(*a->items)) == 0;
}

/* --- trees --- */

struct code {
	struct sock_filter *items;
	size_t n;
};

static void emit(struct code *code, const struct sock_filter *items, size_t n)
{
	code->items = xrealloc(code->items, (code->n + n + 1) * sizeof(*code->items));
	memcpy(code->items + code->n, items, n * sizeof(*items));
	code->n += n;
}

static void emit_one(struct code *code, uint16_t what, uint32_t k)
{
	emit(code, &(const struct sock_filter){ .code = what, .k = k }, 1);
}

/* Where from `first` on right counts, and before it left. Takes both. */
static struct code fork_at(uint32_t first, struct code left, struct code right)
{
	struct code code = { .n = 0 };
	bool near = left.n <= UINT8_MAX;
	const struct sock_filter test = { .code = BPF_JMP | BPF_JGE | BPF_K, .jt = near ? (uint8_t)left.n : 0, .jf = near ? 0 : 1,
					  .k = first };

	emit(&code, &test, 1);
	if (!near)
		emit_one(&code, BPF_JMP | BPF_JA, (uint32_t)left.n);
	emit(&code, left.items, left.n);
	emit(&code, right.items, right.n);
	free(left.items);
	free(right.items);
	return code;
}

static struct code number_tree(const struct range *ranges, size_t n)
{
	struct code leaf = { .n = 0 };

	if (n > 1)
		return fork_at(ranges[n / 2].first, number_tree(ranges, n / 2), number_tree(ranges + n / 2, n - n / 2));
	emit_one(&leaf, BPF_RET | BPF_K, ranges[0].answer);
	return leaf;
}

struct arch_range {
	uint32_t first;
	struct ranges numbers;
};

static struct code arch_tree(const struct arch_range *ranges, size_t n)
{
	struct code leaf = { .n = 0 }, numbers;

	if (n > 1)
		return fork_at(ranges[n / 2].first, arch_tree(ranges, n / 2), arch_tree(ranges + n / 2, n - n / 2));
	if (ranges[0].numbers.n > 1)
		emit_one(&leaf, BPF_LD | BPF_W | BPF_ABS, NUMBER_AT);
	numbers = number_tree(ranges[0].numbers.items, ranges[0].numbers.n);
	emit(&leaf, numbers.items, numbers.n);
	free(numbers.items);
	return leaf;
}

/* --- the whole --- */

/* The boundaries of architectures are few among all: those at which any number is answered otherwise. */
static bool arch_ranges(const struct sock_filter *program, uint16_t length, const struct points *points, struct arch_range *ret,
			size_t *ret_n)
{
	for (size_t i = 0; i < points->n; i++) {
		struct ranges numbers = { .n = 0 };

		if (!ranges_of(program, length, points, points->items[i], &numbers)) {
			free(numbers.items);
			return false;
		}
		if (*ret_n && ranges_same(&ret[*ret_n - 1].numbers, &numbers))
			free(numbers.items);
		else
			ret[(*ret_n)++] = (struct arch_range){ points->items[i], numbers };
	}
	return true;
}

static bool same_answers(const struct sock_filter *a, uint16_t a_length, const struct code *b, const struct points *points)
{
	for (size_t i = 0; i < points->n; i++)
		for (size_t k = 0; k < points->n; k++) {
			uint32_t one, other;

			if (!bpf_answer(a, a_length, points->items[i], points->items[k], &one) ||
			    !bpf_answer(b->items, (uint16_t)b->n, points->items[i], points->items[k], &other) || one != other)
				return false;
		}
	return true;
}

void bpf_shorten(struct sock_filter **program, uint16_t *length)
{
	struct points points = { .n = 0 };
	struct arch_range *archs;
	struct code code = { .n = 0 };
	size_t n = 0;

	points_of(*program, *length, &points);
	archs = xcalloc(points.n, sizeof(*archs));
	if (points.n <= POINTS_MAX && arch_ranges(*program, *length, &points, archs, &n)) {
		struct code tree = arch_tree(archs, n);

		emit_one(&code, BPF_LD | BPF_W | BPF_ABS, ARCH_AT);
		emit(&code, tree.items, tree.n);
		free(tree.items);
	}
	/* the new one's boundaries are all the old one's */
	if (code.n && code.n < *length && same_answers(*program, *length, &code, &points)) {
		free(*program);
		*program = code.items;
		*length = (uint16_t)code.n;
	} else {
		free(code.items);
	}
	for (size_t i = 0; i < n; i++)
		free(archs[i].numbers.items);
	free(archs);
	free(points.items);
}

/* --- two in one --- */

/* As the kernel compares them: the smaller one is the stricter one. */
static int32_t action_of(uint32_t answer)
{
	return (int32_t)(answer & SECCOMP_RET_ACTION_FULL);
}

static bool is_return(const struct sock_filter *instruction)
{
	return instruction->code == (BPF_RET | BPF_K);
}

static int32_t strictest(const struct sock_filter *program, uint16_t length)
{
	int32_t least = action_of(SECCOMP_RET_ALLOW);

	for (size_t i = 0; i < length; i++)
		if (BPF_CLASS(program[i].code) == BPF_RET && action_of(program[i].k) < least)
			least = action_of(program[i].k);
	return least;
}

bool bpf_join(struct sock_filter **first, uint16_t *first_length, const struct sock_filter *second, uint16_t second_length)
{
	size_t n = *first_length, all = n + second_length;
	int32_t limit = strictest(second, second_length);
	struct sock_filter *program;

	if (all > BPF_MAXINSNS)
		return false;
	for (size_t i = 0; i < all; i++) {
		const struct sock_filter *instruction = i < n ? &(*first)[i] : &second[i - n];

		if (BPF_CLASS(instruction->code) != BPF_RET)
			continue;
		if (!is_return(instruction))
			return false;
		if (i < n && instruction->k != SECCOMP_RET_ALLOW && action_of(instruction->k) > limit)
			return false;
	}
	program = xrealloc(*first, all * sizeof(*program));
	memcpy(program + n, second, second_length * sizeof(*program));
	for (size_t i = 0; i < n; i++)
		if (is_return(&program[i]) && program[i].k == SECCOMP_RET_ALLOW)
			program[i] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)(n - i - 1));
	*first = program;
	*first_length = (uint16_t)all;
	return true;
}
