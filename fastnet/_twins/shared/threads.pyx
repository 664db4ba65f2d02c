"""Divide a call between the thread that makes it and helpers. It has no NumPy twin: there, BLAS has threads of its own.

`_threads.py` says how many threads a call uses. A helper is a thread that waits in C for the next call, without the GIL.
In Python it would have to be woken twice, for the call and then for the GIL, and each time takes about as long as a
tenth of a call. For a short time it waits without sleeping, because the layers of a network follow each other closely.

A `critical_section` lets one thread in at a time. Where Python has the GIL, which does the same, it compiles to nothing.
"""

from cpython.pythread cimport (
    NOWAIT_LOCK, WAIT_LOCK, PyThread_acquire_lock, PyThread_allocate_lock, PyThread_release_lock, PyThread_type_lock,
)
from cython cimport critical_section
from libc.stdint cimport uintptr_t

from fastnet._twins.shared.memory cimport CACHE_LINE, address, import_array, ndarray
from fastnet._twins.shared.products cimport borrow, give_back
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT

import os

from fastnet import _threads

import_array()

fingerprint = FASTNET_FINGERPRINT

cdef enum:
    LOOKS = 4000  # how often a thread looks for what it waits for before it sleeps: about 0.1 ms


cdef void _wait(PyThread_type_lock lock) noexcept nogil:
    cdef int look
    for look in range(LOOKS):
        if PyThread_acquire_lock(lock, NOWAIT_LOCK):
            return
    PyThread_acquire_lock(lock, WAIT_LOCK)


cdef struct Task:
    # A part of a call, for one helper.
    PyThread_type_lock work      # free when there is work
    PyThread_type_lock finished  # free when it is done
    Part part
    const void* problem
    Py_ssize_t first, last
    char* memory
    Task* next  # that of another helper of the same call


cdef class _Helper:
    """A thread that computes one task after another."""

    cdef Task task

    def __cinit__(self):
        self.task.work, self.task.finished = PyThread_allocate_lock(), PyThread_allocate_lock()
        PyThread_acquire_lock(self.task.work, WAIT_LOCK)
        PyThread_acquire_lock(self.task.finished, WAIT_LOCK)

    def serve(self):
        cdef Task* task = &self.task
        with nogil:
            while True:
                _wait(task.work)
                task.part(task.problem, task.first, task.last, task.memory, NULL)
                PyThread_release_lock(task.finished)


cdef list _free = []  # the helpers that wait
cdef Py_ssize_t _started = 0


cdef list _engage(Py_ssize_t number):
    # Return at most so many helpers. Other calls may have some, or no thread can be started.
    global _started
    cdef list helpers = []
    cdef Py_ssize_t missing
    cdef _Helper helper
    with critical_section(_free):
        while len(helpers) < number and _free:
            helpers.append(_free.pop())
        missing = max(0, number - max(<Py_ssize_t> len(helpers), _started))
        _started += missing  # counted first: other calls come here while they start
    try:
        while missing > 0:
            helper = _Helper()
            if not _threads.start(helper.serve):
                break
            helpers.append(helper)
            missing -= 1
    except BaseException:  # KeyboardInterrupt
        _free.extend(helpers)
        raise
    finally:
        with critical_section(_free):
            _started -= missing
    return helpers


cdef int share(Part part, const void* problem, Py_ssize_t blocks, double operations) except -1:
    # Compute all blocks of a call, from 0 to `blocks` - 1. `operations` is about how many multiplications that takes.
    # The caller keeps the arrays of the problem alive. One range a thread: each range prepares its own copies of what
    # all of its blocks need.
    cdef Py_ssize_t threads = _threads.threads_for(blocks, operations), thread
    cdef Py_ssize_t size = (part(problem, 0, 0, NULL, NULL) + CACHE_LINE) // CACHE_LINE * CACHE_LINE
    cdef ndarray memory = borrow(threads * size + CACHE_LINE)  # first, because helpers would be lost if that fails
    cdef list helpers = _engage(threads - 1) if threads > 1 else []
    cdef char* aligned
    cdef Task* task
    cdef Task* tasks = NULL
    threads = len(helpers) + 1
    aligned = <char*> ((<uintptr_t> address(memory) + CACHE_LINE - 1) // CACHE_LINE * CACHE_LINE)
    for thread in range(1, threads):
        task = &(<_Helper> helpers[thread - 1]).task
        task.part, task.problem, task.memory = part, problem, aligned + thread * size
        task.first, task.last = blocks * thread // threads, blocks * (thread + 1) // threads
        task.next, tasks = tasks, task
        PyThread_release_lock(task.work)
    # When Python ends, a daemon thread ends where it takes the GIL, and the problem on its stack is gone. So it takes the
    # GIL only when all helpers are done.
    with nogil:
        part(problem, 0, blocks // threads, aligned, NULL)
        task = tasks
        while task != NULL:
            if PyThread_acquire_lock(task.work, NOWAIT_LOCK):  # it has not begun: other programs use the cores
                part(problem, task.first, task.last, task.memory, NULL)
            else:
                _wait(task.finished)
            task = task.next
    _free.extend(helpers)
    give_back(memory)
    return 0


def _forget_helpers():
    global _started
    _free.clear()
    _started = 0


if hasattr(os, "register_at_fork"):  # a forked process has none of the threads
    os.register_at_fork(after_in_child=_forget_helpers)
