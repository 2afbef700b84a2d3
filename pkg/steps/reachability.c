/* SPDX-License-Identifier: Apache-2.0
 * Guard `amphora-reachability`: from a worker's pod, with its certificates, a
 * handshake with some amphorae of each old subnet. Must not push anything.
 */
#include "steps/repoint.h"

#include "kube/exec.h"
#include "octavia/conditions.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define SELECTOR   "service=octavia-worker"
#define PER_SUBNET 3  /* an amphora may be dead for reasons of its own */
#define SUBNETS    32 /* looked at, at most */
#define NAMED      5  /* in a message */
#define TIMEOUT_MS 120000

/*
 * As the worker does it: the server's certificate must be signed by the server
 * CA and name the amphora's id, ours is checked by the agent. With TLS 1.3 the
 * agent's refusal comes with its first answer only.
 * Source: octavia, amphorae/drivers/haproxy/rest_api_driver.py.
 */
static const char python_begin[] =
	"python3 - <<'OCTAVIA_ADOPT_END'\n"
	"import socket, ssl\n"
	"from concurrent.futures import ThreadPoolExecutor\n"
	"CERTS = '/etc/octavia/certs/'\n"
	"def context():\n"
	"    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)\n"
	"    c.check_hostname = False\n"
	"    c.load_verify_locations(CERTS + 'server_ca.cert.pem')\n"
	"    c.load_cert_chain(CERTS + 'client.cert-and-key.pem')\n"
	"    return c\n"
	"def names(cert):\n"
	"    found = [v for k, v in cert.get('subjectAltName', ())\n"
	"             if k == 'DNS']\n"
	"    for part in cert.get('subject', ()):\n"
	"        found += [v for k, v in part if k == 'commonName']\n"
	"    return [n.lower() for n in found]\n"
	"def talk(name, address):\n"
	"    try:\n"
	"        s = socket.create_connection((address, 9443), 10)\n"
	"    except ConnectionRefusedError:\n"
	"        return 'refused', ''\n"
	"    except OSError as e:\n"
	"        return 'no-route', str(e)\n"
	"    with s:\n"
	"        try:\n"
	"            t = context().wrap_socket(s, server_hostname=name)\n"
	"        except ssl.SSLCertVerificationError as e:\n"
	"            return 'untrusted', e.verify_message or str(e)\n"
	"        except socket.timeout:\n"
	"            return 'silent', ''\n"
	"        except (OSError, ValueError) as e:\n"
	"            return 'rejected', str(e)\n"
	"        with t:\n"
	"            if name.lower() not in names(t.getpeercert()):\n"
	"                return 'other', ', '.join(names(t.getpeercert()))\n"
	"            try:\n"
	"                t.sendall(('GET / HTTP/1.1\\r\\nHost: %s\\r\\n'\n"
	"                           'Connection: close\\r\\n\\r\\n' % name)\n"
	"                          .encode())\n"
	"                answer = t.recv(4096).decode('latin-1')\n"
	"            except socket.timeout:\n"
	"                return 'silent', ''\n"
	"            except OSError as e:\n"
	"                return 'rejected', str(e)\n"
	"    words = answer.split(None, 2)\n"
	"    if len(words) > 1 and words[1] == '200':\n"
	"        return 'ok', ''\n"
	"    return 'odd', answer.split('\\r')[0]\n"
	"def look(one):\n"
	"    try:\n"
	"        code, text = talk(*one)\n"
	"    except Exception as e:\n"
	"        code, text = 'odd', repr(e)\n"
	"    return '%s\\t%s\\t%s' % (one[0], code, ' '.join(text.split()))\n"
	"context()\n"
	"with ThreadPoolExecutor(16) as pool:\n"
	"    for line in pool.map(look, [\n";

static const char python_end[] = "    ]):\n"
				 "        print(line)\n"
				 "print('end')\n"
				 "OCTAVIA_ADOPT_END\n";

static const struct {
	const char *code, *text;
} meanings[] = {
	{"refused", "the connection is refused"},
	{"no-route", "no way there"},
	{"untrusted", "its certificate is not accepted by us"},
	{"other", "its certificate is for somebody else"},
	{"rejected", "it does not accept our certificate"},
	{"silent", "it takes the connection and says nothing"},
	{"odd", "it answers strangely"},
};

/* ---- whom to ask ---- */

struct canary {
	const struct oa_amphora *amphora;
	unsigned char subnet[9]; /* family, /24 or /64 */
	bool ok;
	char *why;
};

struct probe {
	struct canary *items;
	size_t count, subnets;
};

static void probe_release(struct probe *probe)
{
	for (size_t i = 0; i < probe->count; i++)
		free(probe->items[i].why);
	free(probe->items);
}

static bool subnet_of(const char *address, unsigned char *subnet)
{
	unsigned char bytes[16];

	memset(subnet, 0, 9);
	if (inet_pton(AF_INET, address, bytes) == 1) {
		subnet[0] = 4;
		memcpy(subnet + 1, bytes, 3);
		return true;
	}
	if (inet_pton(AF_INET6, address, bytes) != 1)
		return false;
	subnet[0] = 6;
	memcpy(subnet + 1, bytes, 8);
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct canary *x = a, *y = b;
	int order = memcmp(x->subnet, y->subnet, sizeof(x->subnet));

	return order ? order : strcmp(x->amphora->id, y->amphora->id);
}

static bool same_subnet(const struct canary *a, const struct canary *b)
{
	return memcmp(a->subnet, b->subnet, sizeof(a->subnet)) == 0;
}

/* A few of each subnet, of those that are to be pushed. */
static void choose(struct probe *probe, const struct oa_amphorae *all,
	const enum oa_amphora_case *cases)
{
	size_t n = 0, in_subnet = 0;

	probe->items = oa_array_alloc(all->count + 1, sizeof(*probe->items));
	for (size_t i = 0; i < all->count; i++) {
		struct canary *canary = &probe->items[probe->count];

		canary->amphora = &all->items[i];
		if (cases[i] == OA_AMPHORA_WAITING &&
			subnet_of(all->items[i].address, canary->subnet))
			probe->count++;
	}
	if (probe->count == 0)
		return;
	qsort(probe->items, probe->count, sizeof(*probe->items), compare);
	for (size_t i = 0; i < probe->count; i++) {
		struct canary canary = probe->items[i];

		if (n == 0 || !same_subnet(&probe->items[n - 1], &canary)) {
			if (probe->subnets == SUBNETS)
				break;
			probe->subnets++;
			in_subnet = 0;
		}
		if (in_subnet++ < PER_SUBNET)
			probe->items[n++] = canary;
	}
	probe->count = n;
}

/* ---- asking ---- */

static char *script_of(const struct probe *probe)
{
	struct oa_buf script = {0};

	oa_buf_puts(&script, python_begin);
	for (size_t i = 0; i < probe->count; i++)
		oa_buf_printf(&script, "        ('%s', '%s'),\n",
			probe->items[i].amphora->id,
			probe->items[i].amphora->address);
	oa_buf_puts(&script, python_end);
	return oa_buf_take(&script);
}

static int find_pod(
	struct oa_session *session, char **name, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(session, OA_POD, NULL);
	oa_auto(oa_value_freep) struct oa_value *pods = NULL;

	*name = NULL;
	if (oa_kube_list(session->kube, &ref, SELECTOR, &pods, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(pods); i++) {
		const struct oa_value *pod = oa_value_item(pods, i);

		if (!oa_condition_true(pod, "Ready") ||
			oa_value_at(pod, "/metadata/deletionTimestamp"))
			continue;
		*name = oa_strdup(oa_value_str_at(pod, "/metadata/name", "?"));
		return 0;
	}
	return oa_error_set(
		err, OA_ERR_NOT_FOUND, "no octavia-worker pod is Ready");
}

static struct canary *find_canary(struct probe *probe, struct oa_str id)
{
	for (size_t i = 0; i < probe->count; i++) {
		if (oa_str_eq(id, probe->items[i].amphora->id))
			return &probe->items[i];
	}
	return NULL;
}

static char *explain(struct oa_str code, struct oa_str text)
{
	const char *meaning = "it answers strangely";
	oa_auto(oa_buf_release) struct oa_buf shown = {0};

	for (size_t i = 0; i < OA_COUNT(meanings); i++) {
		if (oa_str_eq(code, meanings[i].code))
			meaning = meanings[i].text;
	}
	oa_buf_put_escaped(
		&shown, text.ptr, text.len < 200 ? text.len : 200, false);
	return oa_format(
		"%s%s%s", meaning, shown.len ? ": " : "", oa_buf_cstr(&shown));
}

/* Lines ID, code, text, then "end". */
static bool read_answer(struct probe *probe, const struct oa_buf *out)
{
	struct oa_str rest = {oa_buf_cstr(out), out->len}, line;

	while (oa_str_split(&rest, '\n', &line)) {
		struct oa_str id = {0}, code = {0};
		struct canary *canary;

		if (oa_str_eq(line, "end"))
			return true;
		if (!oa_str_split(&line, '\t', &id) ||
			!oa_str_split(&line, '\t', &code))
			continue;
		canary = find_canary(probe, id);
		if (!canary)
			continue;
		canary->ok = oa_str_eq(code, "ok");
		free(canary->why);
		canary->why = canary->ok ? NULL : explain(code, line);
	}
	return false;
}

static int ask(
	struct oa_session *session, struct probe *probe, struct oa_error **err)
{
	oa_auto(oa_freep) char *script = script_of(probe);
	oa_auto(oa_freep) char *pod = NULL;
	struct oa_pod_result result = {0};
	oa_auto(oa_buf_release) struct oa_buf said = {0};
	int rc;

	if (find_pod(session, &pod, err) < 0)
		return -1;
	rc = oa_kube_exec(session->kube, session->namespace_,
		&(struct oa_pod_command){
			.pod = pod,
			.script = script,
			.max_output = (size_t)1 << 20,
			.timeout_ms = TIMEOUT_MS,
		},
		&result, err);
	if (rc == 0 &&
		(result.status != 0 || !read_answer(probe, &result.out))) {
		struct oa_str text = oa_str_trim((struct oa_str){
			oa_buf_cstr(&result.err), result.err.len});
		size_t cut = text.len > 300 ? text.len - 300 : 0;

		/* The last lines of a traceback say what it is about. */
		oa_buf_put_escaped(
			&said, text.ptr + cut, text.len - cut, false);
		rc = oa_error_set(err, OA_ERR_FAILED,
			"pod/%s: the handshakes could not be made (exit code "
			"%d): %s",
			pod, result.status, oa_buf_cstr(&said));
	}
	oa_pod_result_release(&result);
	return rc;
}

/* ---- the verdict ---- */

static size_t count_dark(const struct probe *probe)
{
	size_t dark = 0;

	for (size_t i = 0; i < probe->count;) {
		bool any = false;
		size_t k = i;

		while (k < probe->count &&
			same_subnet(&probe->items[i], &probe->items[k]))
			any = probe->items[k++].ok || any;
		dark += !any;
		i = k;
	}
	return dark;
}

static char *verdict(const struct probe *probe, size_t dark)
{
	struct oa_buf text = {0};
	size_t failed = 0;

	oa_buf_printf(&text,
		"handshakes with %zu %s of %zu %s from a worker's pod",
		probe->count, oa_plural(probe->count, "amphora", "amphorae"),
		probe->subnets, oa_plural(probe->subnets, "subnet", "subnets"));
	if (dark)
		oa_buf_printf(
			&text, ", none in %zu of the subnets succeeded", dark);
	for (size_t i = 0; i < probe->count; i++) {
		const struct canary *canary = &probe->items[i];

		if (canary->ok || ++failed > NAMED)
			continue;
		oa_buf_printf(&text, "%s%s at %s:9443: %s",
			failed == 1 ? ": amphora " : "; amphora ",
			canary->amphora->id, canary->amphora->address,
			canary->why ? canary->why : "no answer");
	}
	if (failed > NAMED)
		oa_buf_printf(&text, "; and %zu more", failed - NAMED);
	return oa_buf_take(&text);
}

static int judge(struct oa_session *session, struct probe *probe,
	const char **state, char **message, struct oa_error **err)
{
	size_t dark;

	if (probe->count == 0) {
		*state = "notNeeded";
		*message = oa_strdup("no amphora is to be re-pointed");
		return 0;
	}
	if (ask(session, probe, err) < 0)
		return -1;
	dark = count_dark(probe);
	*state = dark ? "failed" : "passed";
	*message = verdict(probe, dark);
	return 0;
}

int oa_check_reachability(struct oa_session *session, const char **state,
	char **message, struct oa_error **err)
{
	struct oa_amphorae *all = NULL;
	oa_auto(oa_freep) enum oa_amphora_case *cases = NULL;
	struct probe probe = {0};
	bool yes = true;
	int rc;

	if (oa_repointable(session, &yes, message, err) < 0)
		return -1;
	if (!yes) {
		*state = "notNeeded"; /* none is pushed */
		return 0;
	}
	if (oa_facts_amphorae(session, false, &all, err) < 0 ||
		oa_amphora_cases(session, all, &cases, err) < 0)
		return -1;
	choose(&probe, all, cases);
	rc = judge(session, &probe, state, message, err);
	probe_release(&probe);
	return rc;
}
