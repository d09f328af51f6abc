using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>The rotary tables of a model's blocks, each made once. One thread at a time.</summary>
internal sealed class RotaryTables
{
    private readonly List<(RotaryConfig Config, RotaryTable Table)> _tables = [];

    /// <summary>The table of a configuration.</summary>
    public RotaryTable Get(RotaryConfig config, Func<float[]> storedFactors)
    {
        foreach ((RotaryConfig known, RotaryTable table) in _tables)
        {
            if (known == config)
                return table;
        }

        var made = new RotaryTable(config.Layout, RotaryFrequencies.Make(config, storedFactors()), config.Magnitude);
        _tables.Add((config, made));
        return made;
    }

    /// <summary>Makes the rows of positions 0 … positions − 1 in all of them.</summary>
    public void Extend(int positions)
    {
        foreach ((_, RotaryTable table) in _tables)
            table.Extend(positions);
    }
}
