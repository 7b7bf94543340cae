/* SPDX-License-Identifier: ISC */
/* list.h - circular doubly linked list; the links live in the items */
#ifndef ADIT_BASE_LIST_H
#define ADIT_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct adit_list {
	struct adit_list *next, *prev;
};

#define adit_container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

static inline void adit_list_init(struct adit_list *l)
{
	l->next = l->prev = l;
}

static inline bool adit_list_empty(const struct adit_list *l)
{
	return l->next == l;
}

static inline void adit_list_add_tail(struct adit_list *head, struct adit_list *item)
{
	item->prev = head->prev;
	item->next = head;
	head->prev->next = item;
	head->prev = item;
}

static inline void adit_list_del(struct adit_list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	adit_list_init(item);
}

#endif
