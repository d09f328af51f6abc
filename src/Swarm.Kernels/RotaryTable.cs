using System.Runtime.InteropServices;

namespace Swarm.Kernels;

/// <summary>
/// Cosines and sines of position × frequency (RoFormer, arXiv 2104.09864, equation 34). The angle is the float32 product of the
/// position and the float32 frequency, as transformers computes it; its cosine and sine come from our own routine in double
/// (<see cref="HostMath"/>), because the platform's differ in the last bits.
/// </summary>
public sealed unsafe class RotaryTable
{
    private const int ChunkPositions = KernelSet.PagePositions;

    private readonly float[] _frequencies;
    private readonly float _magnitude;

    // Cosines [64][Pairs], then sines, of 64 positions each: a longer context copies nothing and leaves no garbage.
    private nint[] _chunks = new nint[128];
    private int _chunkCount;

    /// <param name="layout">Which values turn together.</param>
    /// <param name="frequencies">Radians a position for each pair; as many pairs as turn (a head's remaining values stay).</param>
    /// <param name="magnitude">Factor on cosines and sines; 1 where the scaling names none.</param>
    public RotaryTable(RotaryLayout layout, ReadOnlySpan<float> frequencies, float magnitude = 1f)
    {
        Layout = layout;
        _frequencies = frequencies.ToArray();
        _magnitude = magnitude;
    }

    ~RotaryTable()
    {
        for (int i = 0; i < _chunkCount; i++)
            NativeMemory.AlignedFree((void*)_chunks[i]);
    }

    public RotaryLayout Layout { get; }

    /// <summary>Pairs that turn: half the rotary dimension.</summary>
    public int Pairs => _frequencies.Length;

    /// <summary>Makes the rows of positions 0 … positions − 1. Not thread-safe: call before dividing work.</summary>
    public void Extend(int positions)
    {
        while (_chunkCount * ChunkPositions < positions)
        {
            if (_chunkCount == _chunks.Length)
                Array.Resize(ref _chunks, 2 * _chunkCount);
            _chunks[_chunkCount] = MakeChunk(_chunkCount * ChunkPositions);
            _chunkCount++;
        }
    }

    /// <summary>Cosines of a position's pairs.</summary>
    public ReadOnlySpan<float> Cosines(int position) => Row(position, 0);

    /// <summary>Sines of a position's pairs.</summary>
    public ReadOnlySpan<float> Sines(int position) => Row(position, ChunkPositions);

    private ReadOnlySpan<float> Row(int position, int rows) =>
        new((float*)_chunks[position / ChunkPositions] + (rows + position % ChunkPositions) * Pairs, Pairs);

    private nint MakeChunk(int firstPosition)
    {
        nint chunk = (nint)NativeMemory.AlignedAlloc((nuint)(2L * ChunkPositions * Pairs * sizeof(float)), 64);
        float* cosines = (float*)chunk, sines = cosines + ChunkPositions * Pairs;
        for (int i = 0; i < ChunkPositions; i++)
        {
            for (int pair = 0; pair < Pairs; pair++)
            {
                float angle = (float)(firstPosition + i) * _frequencies[pair];
                *cosines++ = (float)HostMath.Cos(angle) * _magnitude;
                *sines++ = (float)HostMath.Sin(angle) * _magnitude;
            }
        }

        return chunk;
    }
}
