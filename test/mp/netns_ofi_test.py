"""Jobs over ofi on hosts of a bed: libfabric's providers of sockets, and the choice between them.

netns_ofi_test.py BUILD

With FATHOM_TEST_LONG=1 also what takes long.
"""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns_support
from netns_support import LONG, BedTest, built

CG = ("nas", "cg")
PROVIDERS = ("tcp;ofi_rxm", "udp;ofi_rxd", "net", "sockets")


class FourHosts(BedTest):
    hosts = 4

    def on_all(self, *words, slots=1, **options):
        return self.mpirun("--hostfile", self.hostfile(slots=slots), "--device", "ofi", *words, **options)

    def test_cg(self):
        for provider in PROVIDERS[: 2 if LONG else 1]:
            with self.subTest(provider=provider):
                env = {"FATHOM_OFI_PROVIDER": provider}
                self.assert_verifies(self.on_all(built("examples", *CG), "--class", "S", env=env, limit=300))

    def test_messages_of_all_sizes_by_wildcards(self):
        for provider in PROVIDERS:
            with self.subTest(provider=provider):
                env = {"FATHOM_OFI_PROVIDER": provider}
                self.assert_right(self.on_all(self.program, "traffic", 1, env=env, limit=300))

    @unittest.skipUnless(LONG, "takes long")
    def test_loss(self):
        for host in self.bed.hosts:
            host.lose(1)
        self.assert_verifies(self.on_all(built("examples", *CG), "--class", "S", limit=300))


class TwoHosts(BedTest):
    def run_on_both(self, device, *words, **options):
        return self.mpirun("-host", "node0:2,node1:2", "-n", 4, *device, *words, **options)

    def test_beside_shared_memory(self):
        self.assert_right(self.run_on_both(("--device", "shm,ofi"), self.program, "traffic", 1))

    @unittest.skipUnless(LONG, "takes long")
    def test_conformance(self):
        done = self.run_on_both(("--device", "ofi"), built("test", "conformance", "conformance_coll"), limit=300)
        self.assertEqual(done.status, 0, str(done))
        self.assertRegex(done.out, r"\[  PASSED  \] \d\d+ tests")

    def test_tells_the_providers(self):
        done = self.run_on_both(("--device", "shm,ofi"), self.program, "traffic", 0, env={"FATHOM_VERBOSE": "1"})
        self.assert_right(done)
        self.assertRegex(done.err, r"(?m)^  tcp;ofi_rxm +eth0 10\.77\.0\.0/24 +used$")
        self.assertRegex(done.err, r"(?m)^  tcp;ofi_rxm +lo \S+ +a loopback does not leave the host$")
        self.assertRegex(done.err, r"(?m)^  shm .*it does not leave the host$")
        self.assertRegex(done.err, r"(?m)^fathom: devices self, shm, ofi$")

    def test_leaves_sockets_to_tcp(self):
        if any(os.path.isdir(f"/sys/class/{name}") and os.listdir(f"/sys/class/{name}") for name in ("infiniband", "cxi")):
            self.skipTest("this machine has a fast network")
        done = self.run_on_both((), self.program, "traffic", 0, env={"FATHOM_VERBOSE": "1"})
        self.assert_right(done)
        self.assertRegex(done.err, r"(?m)^fathom: devices self, shm, tcp;.* ofi: this host has no adapter of a fast network")

    def test_a_provider_that_is_not_there(self):
        done = self.run_on_both(("--device", "ofi"), self.program, "traffic", 0, env={"FATHOM_OFI_PROVIDER": "cxi"})
        self.assertNotEqual(done.status, 0)
        self.assertRegex(done.err, r"ofi: no provider of libfabric .* is used \(.*tcp;ofi_rxm: FATHOM_OFI_PROVIDER names cxi")

    def test_hosts_with_different_providers(self):
        words = ("sh", "-c", 'case $(hostname) in node1) FATHOM_OFI_PROVIDER="udp;ofi_rxd";; *) FATHOM_OFI_PROVIDER="tcp;ofi_rxm";; esac; '
                 f'export FATHOM_OFI_PROVIDER; exec {self.program} traffic 0')
        done = self.run_on_both(("--device", "ofi"), *words)
        self.assertNotEqual(done.status, 0)
        self.assertRegex(done.err, r"rank \d has the provider \S+, and rank \d has \S+; FATHOM_OFI_PROVIDER chooses")

    def test_a_rank_that_dies(self):
        process = self.start_up("-host", "node0,node1", "-n", 2, "--device", "ofi", self.program, "traffic", 60)
        self.assertEqual(self.bed.hosts[1].kill("netns_program"), 1)
        self.assert_fails(self.finish(process), r"rank 1 .*on host node1.*")


if __name__ == "__main__":
    netns_support.main()
