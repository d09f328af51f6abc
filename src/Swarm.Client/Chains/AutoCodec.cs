using Swarm.Kernels.Codecs;

namespace Swarm.Client;

/// <summary>
/// What the codec <c>auto</c> becomes, once, when a session opens: exact where the links between its nodes carry that beside the computing, otherwise the best that they carry
/// while a node computes a token. Pure.
/// </summary>
public static class AutoCodec
{
    /// <summary>Its name among the codecs'.</summary>
    public const string Name = "auto";

    // Exact while it costs at most this part of the computing.
    private const double ExactShare = 1.0 / 8;

    // From the least error on; bytes a value as docs/wire.md has them.
    private static readonly (ActivationCodec Codec, double BytesPerValue, double Share)[] Choices =
        [(ActivationCodec.F32, 4, ExactShare), (ActivationCodec.Fine, 0.97, 1), (ActivationCodec.Medium, 0.8, 1), (ActivationCodec.Coarse, 0.67, double.PositiveInfinity)];

    /// <summary>Chooses.</summary>
    /// <param name="hidden">Values of a token.</param>
    /// <param name="compute">What the slowest node needs for a token.</param>
    /// <param name="bytesPerSecond">What the slowest link between two nodes carries; infinite without any.</param>
    public static ActivationCodec Choose(int hidden, TimeSpan compute, double bytesPerSecond)
    {
        foreach ((ActivationCodec codec, double bytesPerValue, double share) in Choices)
        {
            if (hidden * bytesPerValue / bytesPerSecond <= compute.TotalSeconds * share)
                return codec;
        }

        return ActivationCodec.Coarse;
    }

    /// <summary>
    /// What a link of such a round trip carries, cautiously: nobody measures it by filling it. Up to 1 ms a local network of 1 Gbit/s, up to 10 ms 100 Mbit/s, else the 20 Mbit/s
    /// that homes send.
    /// </summary>
    public static double BytesPerSecond(TimeSpan roundTrip) => roundTrip.TotalMilliseconds switch
    {
        <= 1 => 125e6,
        <= 10 => 12.5e6,
        _ => 2.5e6,
    };

    /// <summary>The codec of a route.</summary>
    /// <param name="route">Its nodes in order, each with the blocks that it computes.</param>
    /// <param name="hidden">Values of a token.</param>
    internal static ActivationCodec Choose(IReadOnlyList<(RouteCandidate Node, int Blocks)> route, int hidden)
    {
        double slowest = double.PositiveInfinity;
        long compute = 0;
        for (int index = 0; index < route.Count; index++)
        {
            compute = Math.Max(compute, RouteCosts.Block(route[index].Node) * route[index].Blocks);
            if (index > 0)
                slowest = Math.Min(slowest, BytesPerSecond(2 * RouteCosts.ToTime(RouteCosts.Way(route[index - 1].Node, route[index].Node) ?? RouteCosts.UnknownWay)));
        }

        return Choose(hidden, RouteCosts.ToTime(compute), slowest);
    }
}
