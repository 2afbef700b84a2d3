/* SPDX-License-Identifier: Apache-2.0
 * What the controllers are like, looked at once and kept. Must not know which
 * step asks.
 */
#include "steps/session.h"

#include "change/look.h"
#include "octavia/conf.h"

#include <stdlib.h>
#include <string.h>

static void forget_look(struct oa_facts *facts)
{
	oa_value_free(oa_steal(facts->look));
	oa_value_free(oa_steal(facts->conf));
	oa_error_free(oa_steal(facts->conf_why));
}

void oa_facts_release(struct oa_facts *facts)
{
	forget_look(facts);
	oa_facts_forget_amphorae(facts);
}

static int read_conf(const struct oa_value *host, struct oa_value **conf,
	struct oa_error **err)
{
	const char *name = oa_value_str_at(host, "/name", "?");
	const struct oa_value *text =
		oa_value_get(oa_value_get(host, "files"), OA_CONF_PATH);

	if (oa_value_get(host, "error"))
		return oa_error_set(err,
			(enum oa_code)oa_value_int_at(
				host, "/code", OA_ERR_UNREACHABLE),
			"%s", oa_value_str_at(host, "/error", "?"));
	if (!text)
		return oa_error_set(err, OA_ERR_NOT_FOUND,
			"%s: there is no " OA_CONF_PATH, name);
	if (oa_conf_read(
		    oa_value_str(text), oa_value_str_len(text), conf, err) < 0)
		return oa_error_wrap(err, "%s: " OA_CONF_PATH, name);
	return 0;
}

/* All octavia.conf must say the same. */
static int agree(const char *const *names, const struct oa_value *const *confs,
	size_t count, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *differences = oa_value_array();
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	oa_conf_differences(names, confs, count, differences);
	if (oa_value_count(differences) == 0)
		return 0;
	for (size_t i = 0; i < oa_value_count(differences); i++)
		oa_buf_printf(&text, "%s%s", i ? "; " : "",
			oa_value_str(oa_value_item(differences, i)));
	oa_error_set(err, OA_ERR_INVALID,
		"the controllers' octavia.conf differ: %s", oa_buf_cstr(&text));
	return oa_error_hint(err,
		"find out which one the services run with, make the files "
		"equal, then run start again");
}

static int read_confs(struct oa_session *session, struct oa_error **err)
{
	const struct oa_value *look = session->facts.look;
	size_t count = oa_value_count(look), have = 0;
	const char **names = oa_array_alloc(count + 1, sizeof(*names));
	struct oa_value **confs = oa_array_alloc(count + 1, sizeof(*confs));
	int rc = 0;

	if (count == 0)
		rc = oa_error_set(
			err, OA_ERR_USAGE, "no controllers are known");
	for (size_t i = 0; i < count && rc == 0; i++) {
		const struct oa_value *host = oa_value_item(look, i);

		names[have] = oa_value_str_at(host, "/name", "?");
		rc = read_conf(host, &confs[have], err);
		have += rc == 0;
	}
	if (rc == 0)
		rc = agree(names, (const struct oa_value *const *)confs, have,
			err);
	if (rc == 0)
		session->facts.conf = oa_steal(confs[0]);
	for (size_t i = 0; i < have; i++)
		oa_value_free(confs[i]);
	free(confs);
	free(names);
	return rc;
}

int oa_facts_look(struct oa_session *session, bool fresh, struct oa_error **err)
{
	if (session->facts.look && !fresh)
		return 0;
	forget_look(&session->facts);
	if (oa_look(&session->tools, OA_LOOK_ALL, &session->facts.look, err) <
		0)
		return -1;
	read_confs(session, &session->facts.conf_why);
	return 0;
}

int oa_facts_units(struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *look = NULL;

	if (!session->facts.look)
		return oa_facts_look(session, false, err);
	if (oa_look(&session->tools, OA_LOOK_UNITS, &look, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(look); i++) {
		const struct oa_value *fresh = oa_value_item(look, i);
		struct oa_value *host = oa_value_item(session->facts.look, i);
		static const char *const parts[] = {
			"units", "error", "code", "hint"};

		for (size_t k = 0; k < OA_COUNT(parts); k++) {
			const struct oa_value *v =
				oa_value_get(fresh, parts[k]);

			oa_value_remove(host, parts[k]);
			if (v)
				oa_value_set(host, parts[k], oa_value_copy(v));
		}
	}
	return 0;
}

int oa_facts_conf(struct oa_session *session, const struct oa_value **out,
	struct oa_error **err)
{
	const struct oa_error *why;

	if (oa_facts_look(session, false, err) < 0)
		return -1;
	*out = session->facts.conf;
	if (*out)
		return 0;
	why = session->facts.conf_why;
	oa_error_set(err, why ? why->code : OA_ERR_FAILED, "%s",
		why ? why->message : "octavia.conf could not be read");
	if (why && oa_error_find_hint(why))
		oa_error_hint(err, "%s", oa_error_find_hint(why));
	return -1;
}

const char *oa_facts_file(const struct oa_session *session, const char *path)
{
	for (size_t i = 0; i < oa_value_count(session->facts.look); i++) {
		const struct oa_value *host =
			oa_value_item(session->facts.look, i);
		const char *text = oa_value_str(
			oa_value_get(oa_value_get(host, "files"), path));

		if (text)
			return text;
	}
	return NULL;
}
