using System.Runtime.InteropServices;

namespace Swarm.Kernels.Tests;

/// <summary>An attention call over pages that held garbage before, the cache filled in two stretches.</summary>
internal static unsafe class AttentionCase
{
    public static readonly AttentionShape Shape = new(6, 2, 24, 0.2f);

    public static float[] Run(KernelSet kernels, TestNumbers numbers, int firstPosition, int tokens, AttentionShape? given = null, float magnitude = 2f,
        Action<float[], float[], float[]>? spoil = null)
    {
        AttentionShape shape = given ?? Shape;
        const int Offset = 128;
        int total = firstPosition + tokens;
        int bytes = kernels.KvPageBytes(shape);
        nint[] pages = new nint[(total + 63) / 64];
        try
        {
            for (int i = 0; i < pages.Length; i++)
            {
                pages[i] = (nint)NativeMemory.AlignedAlloc((nuint)(bytes + Offset), 64);
                new Span<byte>((void*)pages[i], bytes + Offset).Fill(0xFF); // NaN in F16 and float32
            }

            float[] keys = numbers.Floats(total * shape.KeyWidth, magnitude), values = numbers.Floats(total * shape.ValueWidth, magnitude);
            float[] queries = numbers.Floats(tokens * shape.QueryWidth, magnitude), output = new float[tokens * shape.OutputWidth];
            spoil?.Invoke(keys, values, queries);
            int split = firstPosition * shape.KeyWidth, valueSplit = firstPosition * shape.ValueWidth;
            kernels.StoreKeyValues(shape, pages, Offset, 0, firstPosition, keys.AsSpan(0, split), values.AsSpan(0, valueSplit));
            kernels.StoreKeyValues(shape, pages, Offset, firstPosition, tokens, keys.AsSpan(split), values.AsSpan(valueSplit));
            kernels.Attention(shape, pages, Offset, firstPosition, tokens, queries, output);
            return output;
        }
        finally
        {
            foreach (nint page in pages)
                NativeMemory.AlignedFree((void*)page);
        }
    }
}
