#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""contrib.py SERVER ADIT: the alert rules and the dashboard speak of metrics that are there; Debian's Prometheus takes
the rules, scrapes, and raises the alert that is due"""
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request

from lab import TMP, Agent, check, done, equal, free_port, skip, wait_for

CONTRIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../contrib/")
RULES = os.path.abspath(CONTRIB + "prometheus/adit.rules.yml")
NAME = re.compile(r"\b((?:adit|wireguard|process)_[a-z_]+)\b")


def ask(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as r:
            return json.load(r)
    except (OSError, ValueError):
        return None


def prometheus(agent, port, expressions):
    with open(TMP + "/prometheus.yml", "w", encoding="utf-8") as f:
        f.write("global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
                f"rule_files: ['{RULES}']\n"
                f"scrape_configs:\n  - job_name: adit\n    static_configs: [{{targets: ['127.0.0.1:{agent.port}']}}]\n")
    p = subprocess.Popen(["prometheus", f"--config.file={TMP}/prometheus.yml", f"--storage.tsdb.path={TMP}/tsdb",
                          f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        value = wait_for(lambda: (ask(port, "/api/v1/query?query=" + urllib.parse.quote(
            'adit_network_state{network="home",state="handshaking"}')) or {}).get("data", {}).get("result"), 60)
        check("Prometheus scrapes it", value and value[0]["value"][1] == "1", value)
        wrong = [e for e in expressions if (ask(port, "/api/v1/query?query=" + urllib.parse.quote(e)) or {}).get("status") != "success"]
        equal("every question of the dashboard can be asked", wrong, [])
        alerts = wait_for(lambda: [a["labels"]["network"] for a in (ask(port, "/api/v1/alerts") or {"data": {"alerts": []}})["data"]["alerts"]
                                   if a["labels"]["alertname"] == "AditNetworkNotUp"], 60)
        equal("the alert for the network that is not up is on its way, and no other", alerts, ["home"])
    finally:
        p.terminate()
        p.wait(30)


def main(server):
    with open(CONTRIB + "grafana/adit.json", encoding="utf-8") as f:
        dashboard = json.load(f)
    with open(RULES, encoding="utf-8") as f:
        rules = f.read()
    expressions = [t["expr"] for p in dashboard["panels"] for t in p["targets"]]
    with Agent(server, http=True) as agent:
        there = set(re.findall(r"^# TYPE (\S+)", agent.http("/metrics")[2].decode(), re.M))
        equal("the rules speak of metrics that are there", sorted(set(NAME.findall(rules)) - there), [])
        equal("so does the dashboard", sorted(set(NAME.findall(" ".join(expressions))) - there), [])
        equal("every panel has its own place and number", len({p["id"] for p in dashboard["panels"]}), len(dashboard["panels"]))
        if not shutil.which("prometheus"):
            skip("Prometheus takes them", "prometheus is not installed")
        else:
            p = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True)
            check("promtool takes the rules", p.returncode == 0, p.stdout, p.stderr)
            prometheus(agent, free_port(), [e.replace("$__rate_interval", "1m").replace("$instance", ".*").replace("$network", ".*")
                                            for e in expressions])
    done()


main(sys.argv[1])
