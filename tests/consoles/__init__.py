"""The programs that people watch and steer HAProxy with, unchanged, on lbcore's stats socket and statistics page.

Each does here what it does on Debian's HAProxy, with the same configuration and after the same requests: `rig.py`.
"""
