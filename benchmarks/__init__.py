from maze_env._cli import one_line_errors

one_line_errors()
