# Podlab's everyday commands. LAB=name picks another lab than "lab".
LAB ?= lab
# These nodes serve Ingresses: INGRESS="n1 n2", or INGRESS= for none.
INGRESS ?= n1
BIN := .venv/bin
export PODLAB_CLUSTER := $(LAB)
# Whatever the shell says: Ansible refuses anything but UTF-8, and every Debian has this locale.
export LC_ALL := C.UTF-8
INVENTORY := .podlab/$(LAB)/inventory
# A test file is one worker's: what it starts, it starts once.
PARALLEL := -n auto --maxprocesses 8 --dist loadfile

# At a recipe's end, what root made in the checkout goes to whoever typed sudo.
GIVE_BACK := trap '/usr/bin/python3 -m podlab.lab.invoker' EXIT;

E2E := $(BIN)/pytest -q --durations 10
# Those that wait longest come first.
ON_THE_LAB := $(addprefix tests/e2e/,workloads cluster console clients kubectl)

.DEFAULT_GOAL := help
.PHONY: help up down converge verify test e2e e2e-alone e2e-deploy e2e-network e2e-hosts e2e-day2 e2e-upgrade e2e-churn e2e-chaos e2e-soak lint lint-console check control-loops bench bench-api bench-controllers bench-networkpolicy bench-node bench-proxy bench-dns bench-scheduler bench-site bench-store bench-failover fuzz protos docs dist sanity bootstrap

help: ## show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r target text; do printf '  %-20s %s\n' "$$target" "$$text"; done

up: ## everything: packages, virtualenv, lab hosts, cluster, example, verification (needs root); MASTERS=3 NODES=2; DUAL=1: IPv4 and IPv6; SUITE=trixie: Debian 13
	@started=$$(date +%s.%N) && scripts/bootstrap && PODLAB_UP_STARTED=$$started $(BIN)/python -m podlab.lab.bringup.up --lab $(LAB) $(if $(MASTERS),--masters $(MASTERS)) $(if $(NODES),--nodes $(NODES)) --ingress $(INGRESS) $(if $(DUAL),--dual-stack) $(if $(SUITE),--suite $(SUITE))

down: bootstrap ## remove the lab without a trace; the base image stays cached
	@$(BIN)/python -m podlab.lab destroy --lab $(LAB)

converge: bootstrap ## run site.yml on the lab again; changes nothing that is right (PROFILE=1: with the seconds of each task)
	@$(GIVE_BACK) $(if $(PROFILE),ANSIBLE_CALLBACKS_ENABLED=podlab_profile )$(BIN)/ansible-playbook -i $(INVENTORY) playbooks/site.yml

verify: bootstrap ## prove on the hosts that the cluster is what it should be
	@$(BIN)/podlab verify

test: bootstrap ## unit, property and integration tests, and the e2e tests when the lab is up
	@[ "$$(id -u)" != 0 ] || { scripts/bootstrap servers && scripts/bootstrap browser; }
	@$(GIVE_BACK) $(BIN)/pytest -q $(PARALLEL)
	@$(GIVE_BACK) if [ -f $(INVENTORY)/hosts.yml ]; then $(MAKE) --no-print-directory e2e; else echo "no lab: e2e tests left out (make up)"; fi

e2e: bootstrap ## the end-to-end tests on the lab: most side by side, then those that break things, beside those on labs of their own
	@scripts/bootstrap clients && scripts/bootstrap browser
	@$(E2E) -n 4 --dist loadfile --no-loadscope-reorder -m "not alone" $(ON_THE_LAB)
	@$(MAKE) --no-print-directory -j3 --output-sync=target e2e-alone e2e-deploy e2e-network e2e-hosts

e2e-alone:
	@$(E2E) -m alone $(ON_THE_LAB)

e2e-deploy:
	@$(E2E) tests/e2e/deploy

e2e-network:
	@$(E2E) tests/e2e/network

e2e-hosts:
	@$(E2E) tests/e2e/lab

e2e-day2: bootstrap ## what is done with clusters after their first day, on labs of their own: an hour and a half
	@$(E2E) tests/e2e/day2

e2e-upgrade: bootstrap ## an earlier release's lab upgraded under load: FROM=a bootstrapped checkout of that release
	@PODLAB_UPGRADE_FROM=$(FROM) $(BIN)/pytest -q -s tests/e2e/upgrade

e2e-churn: bootstrap ## MINUTES=30 (or 2) of changes and restarts on the lab; then every node has what the API says
	@PODLAB_CHURN_MINUTES=$(or $(MINUTES),2) $(E2E) -s tests/e2e/churn

e2e-chaos: bootstrap ## MINUTES=15 (or 2, and each fault once) of masters killed, cut off, full and of another time, on a lab of three; what clients saw is checked
	@PODLAB_CHAOS_MINUTES=$(or $(MINUTES),2) $(E2E) -s tests/e2e/chaos

e2e-soak: bootstrap ## MINUTES=60 (or 2) of pods of all shapes on the lab while kubelets and containerd are killed; then every node has exactly what the API says
	@PODLAB_SOAK_MINUTES=$(or $(MINUTES),2) $(E2E) -s tests/e2e/soak

lint: bootstrap ## style, format, types, import contracts, Ansible lint
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict
	@$(BIN)/lint-imports
	@PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/ansible-lint --offline playbooks
	@$(MAKE) --no-print-directory lint-console

lint-console: bootstrap ## types, style and unit tests of the console's pages
	@scripts/bootstrap console-checks
	@PATH=$$PATH:$(CURDIR)/$(BIN) npm --prefix console run --silent check

check: lint ## all that a change needs before it is shown: lint, then unit tests
	@$(BIN)/pytest -q $(PARALLEL) tests/unit tests/architecture

structure: bootstrap ## print rooms, arrows between them, names and sizes in the code, beside their bounds
	@PYTHONPATH=tests $(BIN)/python tests/architecture/test_structure.py

bench: bootstrap ## measure; one line a figure
	@$(BIN)/python tests/bench/api
	@$(BIN)/python tests/bench/scheduler
	@$(BIN)/python tests/bench/controllers
	@$(BIN)/python tests/bench/proxy
	@scripts/bootstrap servers
	@$(BIN)/python tests/bench/dns
	@$(BIN)/pytest -q -s tests/bench
	@PYTHONPATH=tests $(BIN)/python tests/bench/store/bench_store.py
	@if [ -f $(INVENTORY)/hosts.yml ]; then $(BIN)/python tests/bench/lab/bench_pods.py && $(BIN)/python tests/bench/lab/bench_memory.py; else echo "no lab: its figures left out (make up)"; fi

bench-api: bootstrap ## measure the API server alone, in less than five minutes; BEFORE=checkout: beside another release (LOADS=words: some)
	@$(BIN)/python tests/bench/api $(if $(BEFORE),--before $(BEFORE) $(LOADS))

bench-node: bootstrap ## measure the lab's first node beside its container runtime alone: starts, 110 pods, a killed container, agents at rest and restarted
	@if [ -f $(INVENTORY)/hosts.yml ]; then $(BIN)/python tests/bench/lab/bench_node.py; else echo "no lab: nothing measured (make up)"; fi

bench-networkpolicy: bootstrap ## measure changes of NetworkPolicies: 500 policies on 50 pods, in half a minute
	@$(BIN)/pytest -q -s tests/bench/networkpolicy

bench-controllers: bootstrap ## measure the controllers with thousands of objects, in about five minutes
	@$(BIN)/python tests/bench/controllers

bench-scheduler: bootstrap ## measure the scheduler with 500 and 5,000 nodes, in less than eight minutes
	@$(BIN)/python tests/bench/scheduler

bench-proxy: bootstrap ## measure the Service proxy with 1,000 and 10,000 Services, in about two minutes; on a lab with each backend in turn (needs root)
	@$(BIN)/python tests/bench/proxy
	@if [ -f $(INVENTORY)/hosts.yml ]; then $(BIN)/python tests/bench/lab/bench_services.py nft legacy nftables; else echo "no lab: time to a Service's first answer left out (make up)"; fi

bench-dns: bootstrap ## measure the cluster's DNS of one node with 10,000 Services, in a minute (rates: with dnsperf)
	@scripts/bootstrap servers
	@$(BIN)/python tests/bench/dns

bench-site: bootstrap ## measure site.yml with 2, 4 and 8 nodes on labs of their own, and how it grows (needs root; SIZES="2 4")
	@PYTHONPATH=tests $(BIN)/python tests/bench/lab/bench_site.py $(SIZES)

bench-store: bootstrap ## measure the stores, SQLite beside a real etcd, in a minute
	@scripts/bootstrap servers
	@PYTHONPATH=tests $(BIN)/python tests/bench/store/bench_store.py

bench-failover: bootstrap ## measure three API servers on etcd with 1,000 nodes: what these notice when a server or a member is gone, in six minutes
	@scripts/bootstrap servers
	@$(BIN)/python tests/bench/failover

fuzz: bootstrap ## the REST API under requests made from its own OpenAPI, for about a minute
	@$(BIN)/pytest -q tests/fuzz

protos: bootstrap ## generate the code from protos/
	@PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/python scripts/protos.py

control-loops: bootstrap ## write what the control loops watch and write into ARCHITECTURE.md
	@PYTHONPATH=tests $(BIN)/python -m podlab_testing.control_loops

docs: bootstrap ## write docs/api.md, which of Kubernetes' fields are refused, and docs/variables.md, all variables of inventories
	@PYTHONPATH=tests $(BIN)/python -m podlab_testing.api_fields
	@PYTHONPATH=tests $(BIN)/python -m podlab_testing.variables_page

dist: bootstrap ## build the wheel, which deploys clusters without a checkout, the sources and the Ansible collection, into dist/
	@scripts/bootstrap console
	@$(BIN)/python -m hatchling build -t wheel -t sdist -d dist
	@$(BIN)/python scripts/ansible_collection.py dist

sanity: bootstrap ## ansible-test's sanity tests of the Ansible collection (the first time it makes their environments)
	@$(BIN)/python scripts/sanity.py

bootstrap:
	@scripts/bootstrap
