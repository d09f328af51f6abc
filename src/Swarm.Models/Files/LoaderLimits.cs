namespace Swarm.Models.Files;

/// <summary>What a model file may contain. Far above what real models have, far below what would hurt the reader.</summary>
internal static class LoaderLimits
{
    public const int MaxTensors = 1 << 18;
    public const int MaxMetadataKeys = 1 << 16;
    public const int MaxNameBytes = 1024;
    public const int MaxDimensions = 8;
    public const long MaxStringBytes = 64L << 20;
    public const int MaxArrayDepth = 4;
    public const long MaxAlignment = 1L << 20;

    /// <summary>Of a safetensors header; the format's reference implementation has the same limit.</summary>
    public const long MaxHeaderBytes = 100_000_000;

    /// <summary>Of config.json, tokenizer_config.json and an index of shards.</summary>
    public const long MaxJsonBytes = 64L << 20;

    public const int MaxShards = 4096;
}
