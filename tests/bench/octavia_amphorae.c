/* SPDX-License-Identifier: Apache-2.0
 * What one load balancer with its two amphorae costs in processor time and in
 * memory when all that the API lists is parsed page by page and kept, for 10 to
 * 20,000 load balancers.
 */
#include "octavia/amphorae.h"

#include "points.h"

#include <malloc.h>

#define PAGE 1000

static const unsigned sizes[] = {10, 100, 1000, 10000, 20000};

/* One item as the API lists it, with the fields that are asked for. */
static void put_balancer(struct oa_buf *page, unsigned n)
{
	oa_buf_printf(page,
		"{\"id\": \"00000000-0000-4000-8000-%012u\", \"provider\": "
		"\"amphora\", \"provisioning_status\": \"ACTIVE\", "
		"\"operating_status\": \"ONLINE\", \"flavor_id\": null, "
		"\"name\": \"load balancer %u\", \"created_at\": "
		"\"2026-11-24T18:23:22\", \"updated_at\": "
		"\"2026-11-24T18:23:22\"}",
		n, n);
}

static void put_amphora(struct oa_buf *page, unsigned n)
{
	oa_buf_printf(page,
		"{\"id\": \"10000000-0000-4000-8000-%012u\", "
		"\"loadbalancer_id\": \"00000000-0000-4000-8000-%012u\", "
		"\"image_id\": \"20000000-0000-4000-8000-000000000000\", "
		"\"lb_network_ip\": \"172.24.%u.%u\", \"status\": "
		"\"ALLOCATED\", \"role\": \"%s\", \"created_at\": "
		"\"2026-11-24T18:23:22\"}",
		n, n / 2, n / 250 % 250, n % 250, n % 2 ? "BACKUP" : "MASTER");
}

static void read_pages(struct oa_amphorae *all, unsigned count,
	void (*put)(struct oa_buf *page, unsigned n),
	int (*add)(struct oa_amphorae *all, const struct oa_value *item,
		struct oa_error **err))
{
	struct oa_error *err = NULL;

	for (unsigned first = 0; first < count; first += PAGE) {
		oa_auto(oa_buf_release) struct oa_buf text = {0};
		oa_auto(oa_value_freep) struct oa_value *page = NULL;

		oa_buf_puts(&text, "[");
		for (unsigned n = first; n < count && n < first + PAGE; n++) {
			oa_buf_puts(&text, n > first ? ", " : "");
			put(&text, n);
		}
		oa_buf_puts(&text, "]");
		must(oa_json_parse(oa_buf_cstr(&text), text.len, &page, &err),
			err);
		for (size_t i = 0; i < oa_value_count(page); i++)
			must(add(all, oa_value_item(page, i), &err), err);
	}
}

/* Nanoseconds and bytes for each load balancer. */
static void measure(unsigned count, double *ns, double *bytes)
{
	struct oa_amphorae all = {0};
	size_t before = mallinfo2().uordblks;
	double begin = cpu_us();

	read_pages(&all, count, put_balancer, oa_amphorae_add_load_balancer);
	read_pages(&all, 2 * count, put_amphora, oa_amphorae_add);
	oa_amphorae_sort(&all);
	*ns = (cpu_us() - begin) * 1000 / count;
	*bytes = (double)(mallinfo2().uordblks - before) / count;
	if (all.load_balancer_count != count || all.count != 2 * count)
		must(-1, NULL);
	oa_amphorae_release(&all);
}

int main(void)
{
	struct oa_value *rows = oa_value_array();
	struct oa_value *times = oa_value_array(), *memory = oa_value_array();
	double ns, bytes;

	measure(sizes[OA_COUNT(sizes) - 1], &ns, &bytes); /* warms up */
	for (size_t i = 0; i < OA_COUNT(sizes); i++) {
		double least = 0;

		for (unsigned run = 0; run < 5; run++) {
			measure(sizes[i], &ns, &bytes);
			least = !run || ns < least ? ns : least;
		}
		points_add(times, sizes[i], least);
		points_add(memory, sizes[i], bytes);
	}
	/* Sorting has the logarithm in it. */
	points_row(rows, "one load balancer of 10 to 20,000: time", 2, times);
	points_row(
		rows, "one load balancer of 10 to 20,000: memory", 1.5, memory);
	points_print(rows);
	return 0;
}
