/* SPDX-License-Identifier: Apache-2.0
 * Formats one line of talk and hands it to the sink. Must not know where the
 * sink writes.
 */
#include "base/log.h"

void oa_log(const struct oa_log *log, int level, const char *fmt, ...)
{
	struct oa_buf text = {0};
	va_list ap;

	if (!oa_log_on(log, level) || !log->write)
		return;
	va_start(ap, fmt);
	oa_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	log->write(log->arg, level, oa_buf_cstr(&text));
	oa_buf_release(&text);
}
