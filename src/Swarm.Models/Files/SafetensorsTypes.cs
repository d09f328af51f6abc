using Swarm.Kernels;

namespace Swarm.Models.Files;

/// <summary>The dtypes of safetensors.</summary>
internal static class SafetensorsTypes
{
    public static StoredType? Find(string name) => name switch
    {
        "F32" => new(name, WeightFormat.F32, 1, 4),
        "F16" => new(name, WeightFormat.F16, 1, 2),
        "BF16" => new(name, WeightFormat.BF16, 1, 2),
        "F64" or "I64" or "U64" or "C64" => new(name, null, 1, 8),
        "I32" or "U32" => new(name, null, 1, 4),
        "I16" or "U16" => new(name, null, 1, 2),
        "I8" or "U8" or "BOOL" or "F8_E4M3" or "F8_E5M2" or "F8_E8M0" => new(name, null, 1, 1),
        _ => null,
    };
}
