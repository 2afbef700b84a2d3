/* SPDX-License-Identifier: Apache-2.0
 * The one table of commands and flags. Must not hold code: the parser, help,
 * manual page, completion and README are made from it.
 *
 * How to add a command: 1. its row in commands[]; 2. cmd_<name>.c, with its run
 * function declared in cmd.h; 3. `make generate`; 4. docs/cli.md; 5. a unit
 * test of what it prints. A flag: 1. its row in a group below; 2. its member of
 * struct oa_options (options.h); 3. its use; 4. `make generate`.
 */
#include "cli.h"

#include "cmd.h"
#include "config_file.h"

#define AT(member) offsetof(struct oa_options, member)

static const struct oa_flag kube_flags[] = {
	{"kubeconfig", 0, OA_FLAG_STRING, .arg = "FILE",
		.help = "The kubeconfig file to use.", .names = OA_NAMES_FILE,
		.offset = AT(kube.kubeconfig)},
	{"context", 0, OA_FLAG_STRING, .arg = "NAME",
		.help = "The kubeconfig context to use.",
		.names = OA_NAMES_CONTEXT, .offset = AT(kube.context)},
	{"cluster", 0, OA_FLAG_STRING, .arg = "NAME",
		.help = "The kubeconfig cluster to use.",
		.names = OA_NAMES_CLUSTER, .offset = AT(kube.cluster)},
	{"user", 0, OA_FLAG_STRING, .arg = "NAME",
		.help = "The kubeconfig user to use.", .names = OA_NAMES_USER,
		.offset = AT(kube.user)},
	{"namespace", 'n', OA_FLAG_STRING, .arg = "NAME",
		.help = "The namespace of the control plane.",
		.names = OA_NAMES_NAMESPACE, .offset = AT(kube.namespace_)},
	{"server", 's', OA_FLAG_STRING, .arg = "URL",
		.help = "Address and port of the Kubernetes API server.",
		.offset = AT(kube.server)},
	{"token", 0, OA_FLAG_STRING, .arg = "TOKEN",
		.help = "Bearer token for the API server.", .secret = true,
		.offset = AT(kube.token)},
	{"as", 0, OA_FLAG_STRING, .arg = "USER", .help = "User to impersonate.",
		.offset = AT(kube.as)},
	{"as-group", 0, OA_FLAG_LIST, .arg = "GROUP",
		.help = "Group to impersonate; may be repeated.",
		.offset = AT(as_groups)},
	{"as-uid", 0, OA_FLAG_STRING, .arg = "UID",
		.help = "UID to impersonate.", .offset = AT(kube.as_uid)},
	{"certificate-authority", 0, OA_FLAG_STRING, .arg = "FILE",
		.help = "Certificate file of the authority that signed the "
			"API server's certificate.",
		.names = OA_NAMES_FILE,
		.offset = AT(kube.certificate_authority)},
	{"client-certificate", 0, OA_FLAG_STRING, .arg = "FILE",
		.help = "Client certificate file for TLS.",
		.names = OA_NAMES_FILE, .offset = AT(kube.client_certificate)},
	{"client-key", 0, OA_FLAG_STRING, .arg = "FILE",
		.help = "Client key file for TLS.", .names = OA_NAMES_FILE,
		.offset = AT(kube.client_key)},
	{"insecure-skip-tls-verify", 0, OA_FLAG_BOOL,
		.help = "Don't check the API server's certificate. This makes "
			"the connection insecure.",
		.offset = AT(kube.insecure_skip_tls_verify)},
	{"tls-server-name", 0, OA_FLAG_STRING, .arg = "NAME",
		.help = "Name to check the API server's certificate against.",
		.offset = AT(kube.tls_server_name)},
	{"request-timeout", 0, OA_FLAG_STRING, .arg = "DURATION",
		.initial = "0",
		.help = "How long to wait for one request to the API server "
			"(30, 30s, 2m); 0 is without limit.",
		.offset = AT(kube.request_timeout)},
	{.name = NULL},
};

static const struct oa_flag own_flags[] = {
	{"config", 0, OA_FLAG_STRING, .arg = "FILE",
		.help = "Configuration file, besides ./octavia-adopt.yaml and "
			"the one of the user.",
		.env = "OCTAVIA_ADOPT_CONFIG", .names = OA_NAMES_FILE,
		.offset = AT(config_file)},
	{"journal", 0, OA_FLAG_STRING, .arg = "DIR",
		.help = "Folder of the journal, instead of the default place "
			"for this cluster, namespace and control plane.",
		.env = "OCTAVIA_ADOPT_JOURNAL", .names = OA_NAMES_FOLDER,
		.offset = AT(journal_dir)},
	{"control-plane", 0, OA_FLAG_STRING, .arg = "NAME",
		.help = "Name of the OpenStackControlPlane; needed only if the "
			"namespace has several.",
		.env = "OCTAVIA_ADOPT_CONTROL_PLANE",
		.names = OA_NAMES_CONTROL_PLANE, .config = "/controlPlane",
		.offset = AT(control_plane)},
	{"v", 'v', OA_FLAG_INT, .arg = "N", .initial = "0",
		.help = "How much to log: 6 shows requests, 7 their headers, "
			"8 and more the bodies; secrets are masked.",
		.offset = AT(verbosity)},
	{"color", 0, OA_FLAG_STRING, .arg = "WHEN",
		.values = "auto|always|never", .initial = "auto",
		.help = "Colour the output: auto is on a terminal, unless "
			"NO_COLOR is set or TERM is dumb.",
		.env = "OCTAVIA_ADOPT_COLOR", .offset = AT(color)},
	{"pager", 0, OA_FLAG_STRING, .arg = "COMMAND",
		.help = "What shows long texts (plan, show, history) on a "
			"terminal: $PAGER or less unless given; cat or "
			"nothing: none.",
		.env = "OCTAVIA_ADOPT_PAGER", .offset = AT(pager)},
	{"no-pager", 0, OA_FLAG_BOOL, .help = "Show long texts as they are.",
		.offset = AT(no_pager)},
	{"help", 'h', OA_FLAG_BOOL, .help = "Help for the command.",
		.offset = AT(help)},
	{.name = NULL},
};

static const struct oa_flag controller_flags[] = {
	{"controller", 0, OA_FLAG_LIST, .arg = "[USER@]HOST[:PORT]",
		.help = "A controller of the old cloud, reached by SSH; may be "
			"repeated. Instead of those of CONTROLLER1_SSH to "
			"CONTROLLER9_SSH and of the configuration.",
		.config = "/controllers", .offset = AT(controllers)},
	{"inventory", 0, OA_FLAG_STRING, .arg = "FILE",
		.help = "Ansible inventory of TripleO "
			"(tripleo-ansible-inventory.yaml): the hosts of its "
			"group Controller.",
		.names = OA_NAMES_FILE, .offset = AT(inventory)},
	{"jump", 0, OA_FLAG_STRING, .arg = "[USER@]HOST[:PORT],…",
		.help = "Jump hosts on the way to the controllers, the first "
			"one first, as ssh's -J; their keys and users as in "
			"~/.ssh/config. none: no jump host.",
		.config = "/controllers/*/jump", .offset = AT(jump)},
	{"identity", 0, OA_FLAG_STRING, .arg = "FILE",
		.help = "SSH private key for all controllers.",
		.names = OA_NAMES_FILE,
		.config = "/controllers/*/identityFiles",
		.offset = AT(identity)},
	{"known-hosts", 0, OA_FLAG_STRING, .arg = "FILE",
		.help = "Host keys of the controllers, as OpenSSH's "
			"known_hosts.",
		.names = OA_NAMES_FILE,
		.config = "/controllers/*/knownHostsFiles",
		.offset = AT(known_hosts)},
	{"accept-new-host-keys", 0, OA_FLAG_BOOL,
		.help = "Add unknown host keys to the known_hosts file. "
			"Changed ones are always refused.",
		.offset = AT(accept_new_host_keys)},
	{.name = NULL},
};

/* Settings of a run: what `config view` shows, too. */
static const struct oa_flag setting_flags[] = {
	{"accept", 0, OA_FLAG_LIST, .arg = "GUARD",
		.help = "Go on although this guard is not satisfied, or do "
			"not make its setting; recorded in the journal. May be "
			"repeated.",
		.names = OA_NAMES_GUARD, .config = "/accept",
		.offset = AT(accept)},
	{"redis", 0, OA_FLAG_STRING, .arg = "WHEN", .values = "auto|on|off",
		.initial = "auto",
		.help = "Set up Redis for Octavia's job board: auto does if "
			"the old Octavia has one.",
		.env = "OCTAVIA_ADOPT_REDIS", .config = "/redis/enabled",
		.offset = AT(redis)},
	{"max-in-flight", 0, OA_FLAG_INT, .arg = "N", .initial = "8",
		.help = "How many requests to Octavia, and how many failovers, "
			"may be under way at the same time (1 to 64).",
		.env = "OCTAVIA_ADOPT_MAX_IN_FLIGHT",
		.config = "/amphorae/maxInFlight", .max = OA_MAX_IN_FLIGHT,
		.offset = AT(max_in_flight)},
	{"timeout", 0, OA_FLAG_DURATION, .arg = "DURATION",
		.help = "How long the whole command may take (90s, 2h); 0 is "
			"without limit.",
		.env = "OCTAVIA_ADOPT_TIMEOUT", .config = "/timeouts/total",
		.offset = AT(timeout)},
	{"step-timeout", 0, OA_FLAG_DURATION, .arg = "DURATION",
		.initial = "30m",
		.help = "How long each step may take; 0 is without limit.",
		.env = "OCTAVIA_ADOPT_STEP_TIMEOUT", .config = "/timeouts/step",
		.offset = AT(step_timeout)},
	{.name = NULL},
};

/* What is to be done, for start and plan. */
static const struct oa_flag run_flags[] = {
	{"until", 0, OA_FLAG_STRING, .arg = "STEP",
		.help = "Stop after this step.", .names = OA_NAMES_STEP,
		.offset = AT(until)},
	{"only", 0, OA_FLAG_STRING, .arg = "STEP", .help = "Only this step.",
		.names = OA_NAMES_STEP, .offset = AT(only)},
	{"finalize", 0, OA_FLAG_BOOL,
		.help = "Also fail over every load balancer that has an "
			"amphora of before, then delete the Director's "
			"flavors and its lb-mgmt-net. Most of it can't be "
			"undone.",
		.offset = AT(finalize)},
	{"on-drift", 0, OA_FLAG_STRING, .arg = "WHAT",
		.values = "stop|keep|overwrite", .initial = "stop",
		.help = "What to do about a field that somebody else changed "
			"since: stop before changing anything, keep their "
			"value, or overwrite it.",
		.env = "OCTAVIA_ADOPT_ON_DRIFT", .offset = AT(on_drift)},
	{.name = NULL},
};

/* The same, without what has no meaning for a rollback. */
static const struct oa_flag undo_flags[] = {
	{"to", 0, OA_FLAG_STRING, .arg = "STEP",
		.help = "Keep this step and what is before it.",
		.names = OA_NAMES_STEP, .offset = AT(to)},
	{"accept", 0, OA_FLAG_LIST, .arg = "GUARD",
		.help = "Go on although this guard is not satisfied; recorded "
			"in the journal. May be repeated.",
		.names = OA_NAMES_GUARD, .config = "/accept",
		.offset = AT(accept)},
	{"on-drift", 0, OA_FLAG_STRING, .arg = "WHAT",
		.values = "stop|keep|overwrite", .initial = "stop",
		.help = "What to do about a field that somebody else changed "
			"since: stop before changing anything, keep their "
			"value, or overwrite it.",
		.env = "OCTAVIA_ADOPT_ON_DRIFT", .offset = AT(on_drift)},
	{"max-in-flight", 0, OA_FLAG_INT, .arg = "N", .initial = "8",
		.help = "How many requests to Octavia, and how many failovers, "
			"may be under way at the same time (1 to 64).",
		.env = "OCTAVIA_ADOPT_MAX_IN_FLIGHT",
		.config = "/amphorae/maxInFlight", .max = OA_MAX_IN_FLIGHT,
		.offset = AT(max_in_flight)},
	{"timeout", 0, OA_FLAG_DURATION, .arg = "DURATION",
		.help = "How long the whole command may take (90s, 2h); 0 is "
			"without limit.",
		.env = "OCTAVIA_ADOPT_TIMEOUT", .config = "/timeouts/rollback",
		.offset = AT(timeout)},
	{"step-timeout", 0, OA_FLAG_DURATION, .arg = "DURATION",
		.initial = "30m",
		.help = "How long each step may take; 0 is without limit.",
		.env = "OCTAVIA_ADOPT_STEP_TIMEOUT", .config = "/timeouts/step",
		.offset = AT(step_timeout)},
	{.name = NULL},
};

static const struct oa_flag write_flags[] = {
	{"yes", 'y', OA_FLAG_BOOL, .help = "Don't ask before the first change.",
		.offset = AT(yes)},
	{"dry-run", 0, OA_FLAG_STRING, .arg = "HOW",
		.values = "none|server|client", .initial = "none",
		.help = "client prints the plan and sends nothing; server "
			"besides sends each change to the API server as a dry "
			"run.",
		.offset = AT(dry_run)},
	{"take-over", 0, OA_FLAG_BOOL,
		.help = "Wait for the lock of a run that died somewhere else "
			"to run out, and take it.",
		.offset = AT(take_over)},
	{"output", 'o', OA_FLAG_STRING, .arg = "FORMAT", .values = "text|json",
		.initial = "text",
		.help = "json prints one event a line, the last one with the "
			"result.",
		.offset = AT(output)},
	{.name = NULL},
};

static const struct oa_flag plan_flags[] = {
	{"rollback", 0, OA_FLAG_BOOL,
		.help = "What rollback would do, instead of start.",
		.offset = AT(rollback)},
	{"to", 0, OA_FLAG_STRING, .arg = "STEP",
		.help = "With --rollback: keep this step and what is before "
			"it.",
		.names = OA_NAMES_STEP, .offset = AT(to)},
	{.name = NULL},
};

static const struct oa_flag output_flags[] = {
	{"output", 'o', OA_FLAG_STRING, .arg = "FORMAT",
		.values = "text|json|yaml", .initial = "text",
		.help = "How to print it.", .offset = AT(output)},
	{.name = NULL},
};

static const struct oa_flag wide_flags[] = {
	{"output", 'o', OA_FLAG_STRING, .arg = "FORMAT",
		.values = "text|wide|json|yaml|name", .initial = "text",
		.help = "How to print it; wide leaves nothing out, name prints "
			"a name a line.",
		.offset = AT(output)},
	{.name = NULL},
};

static const struct oa_flag status_flags[] = {
	{"output", 'o', OA_FLAG_STRING, .arg = "FORMAT",
		.values = "text|wide|json|yaml|name", .initial = "text",
		.help = "How to print it; wide shows every unit, resource and "
			"drifted field.",
		.offset = AT(output)},
	{"watch", 'w', OA_FLAG_BOOL,
		.help = "Print again on every change, until the adoption is "
			"complete or rolled back.",
		.offset = AT(watch)},
	{"check", 0, OA_FLAG_BOOL,
		.help = "Exit with 3 unless the adoption is complete.",
		.offset = AT(check)},
	{"section", 0, OA_FLAG_STRING, .arg = "NAME,…",
		.help = "Read and print only these sections: steps, "
			"controllers, guards, neededBy, ….",
		.offset = AT(section)},
	{"offline", 0, OA_FLAG_BOOL,
		.help = "Ask neither cluster nor controllers: what the journal "
			"knows.",
		.offset = AT(offline)},
	{.name = NULL},
};

static const struct oa_flag history_flags[] = {
	{"verify", 0, OA_FLAG_BOOL,
		.help = "Check that the journal is whole and nobody changed "
			"it.",
		.offset = AT(verify)},
	{.name = NULL},
};

static const struct oa_flag report_flags[] = {
	{"output", 'o', OA_FLAG_STRING, .arg = "FORMAT",
		.values = "html|markdown|json", .initial = "html",
		.help = "html is one file that needs nothing else; markdown "
			"leaves out the list of all amphorae if it is long.",
		.offset = AT(output)},
	{"output-file", 0, OA_FLAG_STRING, .arg = "FILE",
		.help = "Where to write it, only readable by you; - is "
			"standard output, also if that is a terminal.",
		.names = OA_NAMES_FILE, .offset = AT(output_file)},
	{"offline", 0, OA_FLAG_BOOL,
		.help = "Ask neither cluster nor controllers: what the journal "
			"knows.",
		.offset = AT(offline)},
	{.name = NULL},
};

static const struct oa_flag version_flags[] = {
	{"client", 0, OA_FLAG_BOOL,
		.help = "Only the version of this program; the cluster is not "
			"asked.",
		.offset = AT(client)},
	{.name = NULL},
};

static const struct oa_flag *const globals[] = {own_flags, kube_flags, NULL};
static const struct oa_flag *const start_groups[] = {
	write_flags, run_flags, setting_flags, controller_flags, NULL};
static const struct oa_flag *const rollback_groups[] = {
	write_flags, undo_flags, controller_flags, NULL};
static const struct oa_flag *const plan_groups[] = {plan_flags, run_flags,
	setting_flags, controller_flags, wide_flags, NULL};
static const struct oa_flag *const status_groups[] = {
	status_flags, controller_flags, NULL};
static const struct oa_flag *const history_groups[] = {
	history_flags, wide_flags, NULL};
static const struct oa_flag *const show_groups[] = {wide_flags, NULL};
static const struct oa_flag *const report_groups[] = {
	report_flags, controller_flags, NULL};
static const struct oa_flag *const config_groups[] = {
	setting_flags, controller_flags, output_flags, NULL};
static const struct oa_flag *const version_groups[] = {
	version_flags, output_flags, NULL};

static const struct oa_command commands[] = {
	{
		.name = "start",
		.words = "",
		.title = "Run the adoption, or continue it",
		.text = "Run the adoption, or continue it where it stands.\n\n"
			"Each change is recorded in the journal before it is "
			"made and after, so that an interrupted run goes on "
			"where it was and rollback undoes exactly what was "
			"done. Before the first change the command says what "
			"it is about to do and asks.\n\n"
			"Where something outside has to happen first (exit "
			"code 3), run it again afterwards.",
		.examples =
			"# See what would be done\n"
			"oc octavia-adopt start --dry-run=client\n"
			"# Run it on three controllers\n"
			"oc octavia-adopt start -n openstack "
			"--controller root@ctl1 \\\n"
			"  --controller root@ctl2 --controller root@ctl3\n"
			"# Only up to the moment the old services are stopped\n"
			"oc octavia-adopt start --until stop-director\n",
		.groups = start_groups,
		.needs = OA_NEED_SETTINGS | OA_NEED_KUBE | OA_NEED_SESSION,
		.events = true,
		.run = oa_cmd_start,
	},
	{
		.name = "status",
		.words = "",
		.title = "Show where the adoption stands",
		.text = "Show where the adoption stands: first what it means "
			"and what to run next, then steps, guards, controllers "
			"and what still needs the old components.\n\n"
			"Nothing is changed and no lock is taken. What can't "
			"be read is named, the rest is shown.",
		.examples = "# One look\n"
			    "oc octavia-adopt status\n"
			    "# For a script: 0 if complete, else 3\n"
			    "oc octavia-adopt status --check -o name\n"
			    "# Follow a run that goes on somewhere else\n"
			    "oc octavia-adopt status -w\n",
		.groups = status_groups,
		.needs = OA_NEED_SETTINGS | OA_NEED_KUBE | OA_NEED_SESSION,
		.run = oa_cmd_status,
	},
	{
		.name = "rollback",
		.words = "",
		.title = "Undo the adoption, newest change first",
		.text = "Undo what start did, newest change first.\n\n"
			"Everything comes back as it was recorded: fields of "
			"the control plane, units, resources. A field that "
			"somebody else has changed since stops the command "
			"before it changes anything (exit code 4), unless "
			"--on-drift says otherwise. Run it before any rollback "
			"of the whole cloud.",
		.examples = "# See what would come back and what stays\n"
			    "oc octavia-adopt rollback --dry-run=client\n"
			    "# Undo everything\n"
			    "oc octavia-adopt rollback\n"
			    "# Keep the Secrets of step trust\n"
			    "oc octavia-adopt rollback --to trust\n",
		.groups = rollback_groups,
		.needs = OA_NEED_SETTINGS | OA_NEED_KUBE | OA_NEED_SESSION,
		.events = true,
		.run = oa_cmd_rollback,
	},
	{
		.name = "plan",
		.words = "",
		.title = "Show what start or rollback would do now",
		.text = "Show what start (with --rollback: rollback) would do "
			"now: checks, guards, and every change with its "
			"difference. Secrets are shown as digests.\n\n"
			"Nothing is changed. The exit code is 0 if it could "
			"begin, else 1.",
		.examples = "# What would start do?\n"
			    "oc octavia-adopt plan\n"
			    "# And rollback?\n"
			    "oc octavia-adopt plan --rollback\n",
		.groups = plan_groups,
		.needs = OA_NEED_SETTINGS | OA_NEED_KUBE | OA_NEED_SESSION,
		.run = oa_cmd_plan,
	},
	{
		.name = "history",
		.words = "",
		.title = "List the changes recorded in the journal",
		.text = "List the changes recorded in the journal, oldest "
			"first. The journal is a git repository: git log, git "
			"show and git fsck work on it, too.",
		.examples = "# What was changed, when and by whom\n"
			    "oc octavia-adopt history\n"
			    "# Is the record whole?\n"
			    "oc octavia-adopt history --verify\n",
		.groups = history_groups,
		.needs =
			OA_NEED_SETTINGS | OA_NEED_KUBE_MAYBE | OA_NEED_SESSION,
		.run = oa_cmd_history,
	},
	{
		.name = "show",
		.words = "REVISION|STEP",
		.min_words = 1,
		.max_words = 1,
		.word_names = OA_NAMES_REVISION,
		.title = "Show what a change or a step changed",
		.text = "Show the difference between before and after of one "
			"revision of history, of all changes of a step, or of "
			"a commit of the journal.",
		.examples = "# The third change\n"
			    "oc octavia-adopt show 3\n"
			    "# All changes of a step\n"
			    "oc octavia-adopt show enable-octavia\n",
		.groups = show_groups,
		.needs =
			OA_NEED_SETTINGS | OA_NEED_KUBE_MAYBE | OA_NEED_SESSION,
		.run = oa_cmd_show,
	},
	{
		.name = "report",
		.words = "",
		.title =
			"Write the whole run down for those who were not there",
		.text = "Write down the whole run: who did what and when, which "
			"guards were accepted, each step and each change with "
			"its difference, what became of each load balancer and "
			"amphora, what can't be undone, what is left to do, "
			"and how to prove it all with git.\n\n"
			"It is made from the journal; where the cluster answers, "
			"it says how things are now, too.",
		.examples =
			"# A page for the change board\n"
			"oc octavia-adopt report --output-file report.html\n"
			"# For a ticket, from the journal alone\n"
			"oc octavia-adopt report -o markdown --offline\n",
		.groups = report_groups,
		.needs =
			OA_NEED_SETTINGS | OA_NEED_KUBE_MAYBE | OA_NEED_SESSION,
		.run = oa_cmd_report,
	},
	{
		.name = "config",
		.words = "view|init|role",
		.min_words = 1,
		.max_words = 1,
		.word_values = "view|init|role",
		.title = "Show the configuration that holds, or print a sample "
			 "or the Role",
		.text = "view shows the configuration that holds here, each "
			"value with where it comes from: a flag, the "
			"environment, a line of a file, the recorded run, or "
			"the default. With -o json or yaml it is a "
			"configuration file again.\n\n"
			"init prints a sample configuration file: every key "
			"with its default, commented out.\n\n"
			"role prints the Role that the adoption needs, ready to "
			"apply.",
		.examples =
			"# Begin a configuration file\n"
			"oc octavia-adopt config init > octavia-adopt.yaml\n"
			"# What holds, and why?\n"
			"oc octavia-adopt config view\n"
			"# The rights to adopt, for somebody else\n"
			"oc octavia-adopt config role | oc apply -f -\n",
		.groups = config_groups,
		.needs = OA_NEED_NOTHING,
		.run = oa_cmd_config,
	},
	{
		.name = "version",
		.words = "",
		.title = "Print the version of this program and the server",
		.text = "Print the version of this program, the format of its "
			"journal and the version of the server.",
		.examples = "# Without asking the server\n"
			    "oc octavia-adopt version --client\n",
		.groups = version_groups,
		.needs = OA_NEED_NOTHING,
		.run = oa_cmd_version,
	},
	{
		.name = "completion",
		.words = "SHELL",
		.min_words = 1,
		.max_words = 1,
		.word_values = "bash|zsh|fish",
		.title = "Print the completion script for a shell",
		.text = "Print the completion script for calls of "
			"oc-octavia-adopt itself. For oc octavia-adopt and "
			"kubectl octavia-adopt, the shell completion of oc and "
			"kubectl is enough.",
		.examples =
			"# For this shell\n"
			". <(oc octavia-adopt completion bash)\n"
			"# For every fish\n"
			"oc octavia-adopt completion fish > \\\n"
			"  ~/.config/fish/completions/oc-octavia-adopt.fish\n",
		.needs = OA_NEED_NOTHING,
		.run = oa_cmd_completion,
	},
	{
		.name = "help",
		.words = "[COMMAND]",
		.max_words = 1,
		.title = "Help about any command",
		.text = "Print the help of a command, or the list of "
			"commands.",
		.examples = "# All flags of start\n"
			    "oc octavia-adopt help start\n",
		.needs = OA_NEED_NOTHING,
		.run = oa_cmd_help,
	},
	{
		.name = "__emit",
		.words = "man|readme|bash|zsh|fish",
		.min_words = 1,
		.max_words = 1,
		.word_values = "man|readme|bash|zsh|fish",
		.title = "Print a file that is made from the command table",
		.text = "Used by the build.",
		.needs = OA_NEED_NOTHING,
		.hidden = true,
		.run = oa_cmd_emit,
	},
	/* __complete is not parsed as others: its words may be anything. */
	{.name = NULL},
};

const struct oa_cli oa_cli = {
	.commands = commands,
	.globals = globals,
	.text = "Move OpenStack Octavia from a TripleO Director deployment "
		"into OpenShift, with a plan beforehand, a record of every "
		"change, and a way back.",
};
