"""CPU quotas read from trees of files that look like a kernel's."""

from __future__ import annotations

from pathlib import Path

from lbcore.thread.cgroup import cpu_quota

V1_MOUNT = "34 25 0:29 {root} /sys/fs/cgroup/cpu rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct"
V2_MOUNT = "35 25 0:30 {root} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
OTHER_MOUNT = "36 25 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"


def tree(tmp: Path, cgroup: str, mounts: list[str], files: dict[str, str]) -> str:
    """A directory that stands for "/"."""
    everything = {"proc/self/cgroup": cgroup, "proc/self/mountinfo": "\n".join(mounts) + "\n"}
    for name, text in {**everything, **files}.items():
        path = tmp / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(tmp)


def test_version_2_takes_the_least_quota_on_the_way_up(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        "0::/a/b/c\n",
        [V2_MOUNT.format(root="/")],
        {
            "sys/fs/cgroup/a/b/c/cpu.max": "max 100000\n",
            "sys/fs/cgroup/a/b/cpu.max": "250000 100000\n",
            "sys/fs/cgroup/a/cpu.max": "400000 100000\n",
        },
    )
    assert cpu_quota(root) == 2.5


def test_version_1_reads_quota_and_period_of_the_cpu_controller(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        "4:memory:/x\n3:cpu,cpuacct:/docker/1\n",
        [OTHER_MOUNT, V1_MOUNT.format(root="/")],
        {
            "sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us": "150000\n",
            "sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us": "50000\n",
            "sys/fs/cgroup/cpu/docker/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/docker/cpu.cfs_period_us": "100000\n",
        },
    )
    assert cpu_quota(root) == 3.0


def test_a_container_that_is_mounted_at_its_own_top_is_found(tmp_path: Path) -> None:
    files = {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}
    root = tree(tmp_path, "3:cpu,cpuacct:/docker/1\n", [V1_MOUNT.format(root="/docker/1")], files)
    assert cpu_quota(root) == 0.5


def test_a_group_outside_of_what_is_mounted_is_taken_for_the_top(tmp_path: Path) -> None:
    files = {"sys/fs/cgroup/cpu.max": "100000 100000\n", "sys/cpu.max": "1 100000\n"}
    for cgroup, mounted in (("0::/other\n", "/mine"), ("0::/../other\n", "/")):
        assert cpu_quota(tree(tmp_path, cgroup, [V2_MOUNT.format(root=mounted)], files)) == 1.0


def test_blanks_in_mount_points_are_decoded(tmp_path: Path) -> None:
    mount = "35 25 0:30 / /my\\040groups rw - cgroup2 none rw"
    assert cpu_quota(tree(tmp_path, "0::/\n", [mount], {"my groups/cpu.max": "200000 100000\n"})) == 2.0


def test_no_limit_no_file_and_nonsense_say_nothing(tmp_path: Path) -> None:
    assert cpu_quota(str(tmp_path / "empty")) is None
    root = tree(tmp_path, "0::/a\n", [V2_MOUNT.format(root="/"), "", "nonsense"], {})
    assert cpu_quota(root) is None
    for text in ("max 100000\n", "x y\n", "100000\n", "100000 0\n", ""):
        tree(tmp_path, "0::/a\n", [V2_MOUNT.format(root="/")], {"sys/fs/cgroup/a/cpu.max": text})
        assert cpu_quota(root) is None
