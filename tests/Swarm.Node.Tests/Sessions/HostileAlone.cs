namespace Swarm.Node.Tests.Sessions;

/// <summary>Measures the process's memory, so nothing else may run beside it.</summary>
[CollectionDefinition(nameof(HostileAlone), DisableParallelization = true)]
public sealed class HostileAlone;
