"""Memory of a program: lifetimes, distances, streaming, places, and the tracker that checks.

    access     which rows an op reads for which rows it makes
    lifetimes  when each tensor is alive
    units      single ops, and the distances at which operands would lose bytes
    segments   ops that stream rows to each other, executed as the core does
    place      offsets for units, in the smallest arena found
    plan       all of it: program -> rows and ops of the file
    unplanned  the way back: file -> what was planned
    objects    the memory map: what lies where, and when
    tracker    proof of a plan, byte by byte
"""

from tinysense_host.planning.objects import Layout, Object, objects_of
from tinysense_host.planning.plan import Planned, plan
from tinysense_host.planning.tracker import track
from tinysense_host.planning.unplanned import layout_of

__all__ = ["Layout", "Object", "Planned", "layout_of", "objects_of", "plan", "track"]
