namespace Swarm.Protocol;

/// <summary>The version of the wire that this program speaks. Peers of another refuse each other by name (VersionMismatch).</summary>
public static class WireVersion
{
    public const uint Current = 3;
}
