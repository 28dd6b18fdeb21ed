"""The configuration: YAML in, frozen and checked objects out.

``session`` is one entry of ``sessions:``, ``run`` the whole file, ``checking`` turns what does not fit into one
readable message, ``schema`` writes the JSON schema that the workflow checks against before its first job.
"""
