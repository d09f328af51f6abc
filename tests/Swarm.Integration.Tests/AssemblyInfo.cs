// Real processes compete for the machine's few cores: one test at a time keeps their times meaningful.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
