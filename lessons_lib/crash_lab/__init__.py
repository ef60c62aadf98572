"""The crash lab: a child killed at a named moment, started again, and what became of its work.

How a kill goes, from the call `crash(work, at="mail sent")` to the picture:

1. `crash` (lab.py) makes a `Gate` of the moments named and pickles `work`, even from a notebook
   (crossing.py). What cannot leave this process is refused, with the name that holds it.
2. `lived` (watch.py) starts a child (children.py): a fork of a process that has imported what
   children need, or a fresh interpreter on Windows.
3. The child (moments.py) calls `work(folder)`. A thread that comes to `moment("mail sent")` sends
   the name to the parent and waits: no thread goes on from a moment that was not heard of.
4. The parent's `Watch` answers *go*, or *stay* while other threads have still to come to theirs.
   When the last has come it answers nothing and kills the child. So the kill falls on the moment
   for certain, with no sleep anywhere.
5. What was heard is a `Life`. A second child, on the same folder, has an open gate and passes every
   moment; what its function returns comes back as the life's value.
6. Both lives are a `Crash` (report.py). It compares the moments by name, with each other and with
   that value: redone, kept, lost, not redone. Printed it says so in lines; a notebook shows the
   picture, a frame for each process and the same moments side by side.

With `workers=3`, step 2 starts three children, each with a watch and a gate. Whichever comes first
to the moment is killed there; the others go on, also with what it left. Who did what before is
chance: the first life has the moments that others passed again, the second those of all the rest.

If the parent itself is killed, its children end with it, and sweep.py removes their folders.
"""
