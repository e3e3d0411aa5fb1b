"""A Slurm cluster of several nodes on this machine, of Debian's slurm-wlm and munge: one slurmctld, one slurmd a node.

Everything is in one folder. Needs root, since slurmd starts jobs as their users and munged as its own.
"""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

TOOLS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "scancel", "sinfo")

CONFIGURATION = """
ClusterName=retort
SlurmctldHost={host}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmctldPort={port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdSpoolDir={folder}/spool-%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1
MpiDefault=none
ReturnToService=2
SlurmdTimeout=10
KillWait=5
MaxArraySize=100
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
UnkillableStepTimeout=20
"""


def missing():
    """Why a cluster cannot start on this machine; empty: it can."""
    if os.geteuid() != 0:
        return "it needs root"
    lacking = [name for name in TOOLS if not shutil.which(name)]
    return f"no {', '.join(lacking)}: apt-get install slurm-wlm munge" if lacking else ""


class Cluster:
    def __init__(self, folder, nodes=4, tasks_each=2):
        self.folder = Path(folder)
        self.nodes = [f"node{number}" for number in range(1, nodes + 1)]
        self.running = {}
        host = socket.gethostname()
        port = free_port()
        text = CONFIGURATION.format(host=host, folder=self.folder, port=port)
        ports = [free_port() for _ in self.nodes]
        for node, own in zip(self.nodes, ports):
            text += f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={own} CPUs={tasks_each} State=UNKNOWN\n"
        names = ",".join(self.nodes)
        text += f"PartitionName=low Nodes={names} Default=YES MaxTime=1:00:00 State=UP PriorityTier=1\n"
        text += f"PartitionName=high Nodes={names} MaxTime=1:00:00 State=UP PriorityTier=10\n"
        (self.folder / "slurm.conf").write_text(text)
        (self.folder / "state").mkdir()
        self.environment = {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def start(self):
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        self.folder.chmod(0o755)
        self.spawn(
            "munged", "munged", "--foreground", "--force", f"--key-file={key}", f"--socket={self.folder}/munge.socket",
            f"--pid-file={self.folder}/munge.pid", f"--log-file={self.folder}/munge.log", f"--seed-file={self.folder}/munge.seed",
        )
        self.wait_for(lambda: (self.folder / "munge.socket").exists(), 20, "munged")
        self.start_controller()
        for node in self.nodes:
            self.start_node(node)
        self.wait_for(lambda: self.run("sinfo", "--noheader", "--format=%T").count("idle") > 0, 60, "the nodes")

    def start_controller(self):
        self.spawn("slurmctld", "slurmctld", "-D", "-i")
        self.wait_for(lambda: "UP" in self.run("scontrol", "ping"), 30, "slurmctld")

    def start_node(self, node):
        (self.folder / f"spool-{node}").mkdir(exist_ok=True)
        self.spawn(node, "slurmd", "-D", "-N", node)

    def spawn(self, name, *command):
        log = (self.folder / f"{name}.out").open("ab")
        self.running[name] = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=os.environ | self.environment
        )

    def kill(self, name):
        """kill -9 of a daemon. The jobs of a node continue without it."""
        self.running[name].kill()
        self.running.pop(name).wait()

    def run(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | self.environment, timeout=60)
        return done.stdout

    def outputs(self, *command):
        """Both outputs of a command that has to succeed."""
        command = [str(part) for part in command]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | self.environment, timeout=180)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def wait_for(self, condition, seconds, what):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s; see {self.folder}"
            time.sleep(0.2)

    def stop(self):
        subprocess.run(["scancel", "--user=root"], env=os.environ | self.environment, capture_output=True, timeout=30)
        time.sleep(1)
        for name in list(self.running):
            self.running[name].terminate()
        for process in self.running.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
