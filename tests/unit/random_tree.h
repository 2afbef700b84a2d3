/* SPDX-License-Identifier: Apache-2.0
 * Random value trees and strings that readers tend to get wrong, reproducible
 * from a seed. Must not know what is tested with them.
 */
#ifndef OA_TESTS_RANDOM_TREE_H
#define OA_TESTS_RANDOM_TREE_H

#include "base/value.h"

struct random_tree {
	uint64_t state;     /* the seed */
	unsigned max_items; /* of a collection; 0 means 5 */
};

/* random_below: a number from 0 to n - 1. */
unsigned random_below(struct random_tree *random, unsigned n);

/* random_tree_make: a tree of at most depth levels of collections. */
struct oa_value *random_tree_make(struct random_tree *random, unsigned depth);

/* random_tree_change: change some places of the tree v. */
void random_tree_change(struct random_tree *random, struct oa_value *v);

/* nasty_strings: texts of nasty_string_count strings, lengths apart because
 * some hold a NUL. */
extern const struct oa_str nasty_strings[];
extern const size_t nasty_string_count;

#endif
