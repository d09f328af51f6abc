using System.Text;

namespace Swarm.Models.Tests.Files;

/// <summary>Rounds values to microscaled floats (MXFP4), as checkpoints hold them.</summary>
internal static class Microscaled
{
    private static readonly float[] s_values = [0, 0.5f, 1, 1.5f, 2, 3, 4, 6];

    /// <summary>Rounds groups of 32.</summary>
    /// <returns>Two values a byte, neighbours together; an exponent a group; and the values that these stand for.</returns>
    public static (byte[] Blocks, byte[] Scales, float[] Values) Round(float[] values)
    {
        var blocks = new byte[values.Length / 2];
        var scales = new byte[values.Length / 32];
        var rounded = new float[values.Length];
        for (int group = 0; group < scales.Length; group++)
        {
            float largest = values.AsSpan(group * 32, 32).ToArray().Max(Math.Abs);
            int exponent = largest == 0 ? -100 : (int)Math.Floor(Math.Log2(largest)) - 2;
            scales[group] = (byte)(exponent + 127);
            float scale = MathF.ScaleB(1, exponent);
            for (int i = group * 32; i < group * 32 + 32; i++)
            {
                int nearest = 0;
                for (int code = 1; code < 8; code++)
                    nearest = Math.Abs(Math.Abs(values[i]) / scale - s_values[code]) < Math.Abs(Math.Abs(values[i]) / scale - s_values[nearest]) ? code : nearest;
                blocks[i / 2] |= (byte)((nearest | (values[i] < 0 ? 8 : 0)) << (i % 2 * 4));
                rounded[i] = (values[i] < 0 ? -scale : scale) * s_values[nearest];
            }
        }

        return (blocks, scales, rounded);
    }

    /// <summary>A safetensors file of any types.</summary>
    public static byte[] File(IEnumerable<(string Name, string Type, long[] Shape, byte[] Bytes)> tensors)
    {
        (string Name, string Type, long[] Shape, byte[] Bytes)[] all = [.. tensors];
        long offset = 0;
        var entries = new List<string>();
        foreach ((string name, string type, long[] shape, byte[] bytes) in all)
            entries.Add($$"""  "{{name}}":{"dtype":"{{type}}","shape":[{{string.Join(',', shape)}}],"data_offsets":[{{offset}},{{offset += bytes.Length}}]}""");
        byte[] header = Encoding.UTF8.GetBytes("{" + string.Join(',', entries) + "}");
        return [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. all.SelectMany(tensor => tensor.Bytes)];
    }
}
