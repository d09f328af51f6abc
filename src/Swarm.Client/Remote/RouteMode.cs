namespace Swarm.Client;

/// <summary>What a route is chosen for.</summary>
public enum RouteMode
{
    /// <summary>Least expected time per token; the same snapshot gives the same route.</summary>
    Latency,

    /// <summary>Spreads sessions over the nodes by what each has to spare, so that clients do not all follow into one.</summary>
    Throughput,
}
