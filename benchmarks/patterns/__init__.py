"""Known bug patterns as small threaded programs: ``*_bug`` fails under some schedules, its twin ``*_ok`` under none."""
