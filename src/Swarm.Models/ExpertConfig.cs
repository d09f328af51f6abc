using Swarm.Kernels;

namespace Swarm.Models;

/// <summary>The mixture of experts of a model's blocks.</summary>
public sealed record ExpertConfig
{
    /// <summary>How a token's experts are chosen and weighed.</summary>
    public required RouterShape Router { get; init; }

    /// <summary>Inner values of an expert.</summary>
    public required int FeedForward { get; init; }

    /// <summary>Inner values of what computes for every token beside the chosen ones; 0 for none.</summary>
    public int SharedFeedForward { get; init; }

    /// <summary>The first blocks, which are dense.</summary>
    public int DenseBlocks { get; init; }

    /// <summary>Further dense blocks, ascending.</summary>
    public IReadOnlyList<int> OtherDenseBlocks { get; init; } = [];

    /// <summary>How gate and up meet in an expert.</summary>
    public GateForm Gate { get; init; }

    /// <summary>The router and the experts' maps have biases.</summary>
    public bool Biases { get; init; }

    /// <summary>Scores have corrections, which serve the choice alone.</summary>
    public bool Corrections { get; init; }

    /// <summary>Whether a block has experts.</summary>
    public bool In(int block) => block >= DenseBlocks && !OtherDenseBlocks.Contains(block);

    /// <summary>Writes the fields as <c>name=value</c>, for a model's identity.</summary>
    internal void WriteTo(Action<string, string> line)
    {
        void Number(string name, long value) => line(name, value.ToString(System.Globalization.CultureInfo.InvariantCulture));
        void Bits(string name, float value) => line(name, BitConverter.SingleToUInt32Bits(value).ToString("x8", System.Globalization.CultureInfo.InvariantCulture));
        void Flag(string name, bool value) => line(name, value ? "1" : "0");

        Number("experts", Router.Experts);
        Number("expertsChosen", Router.Chosen);
        line("expertScores", Router.Scores.ToString());
        Number("expertGroups", Router.Groups);
        Number("expertGroupsChosen", Router.ChosenGroups);
        Flag("expertGroupsBySumOfTwo", Router.GroupsBySumOfTwo);
        Flag("expertsRenormalized", Router.Renormalized);
        Bits("expertScale", Router.Scale);
        Number("expertFeedForward", FeedForward);
        Number("sharedFeedForward", SharedFeedForward);
        Number("denseBlocks", DenseBlocks);
        line("otherDenseBlocks", string.Join(',', OtherDenseBlocks));
        Bits("expertGateAlpha", Gate.Alpha);
        Bits("expertGateLimit", Gate.Limit);
        Flag("expertBiases", Biases);
        Flag("expertCorrections", Corrections);
    }
}
