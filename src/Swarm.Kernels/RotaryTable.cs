namespace Swarm.Kernels;

/// <summary>
/// Cosines and sines of position × frequency (RoFormer, arXiv 2104.09864, equation 34). The angle is the float32 product of the
/// position and the float32 frequency, as transformers computes it; its cosine and sine come from our own routine in double
/// (<see cref="HostMath"/>), because the platform's differ in the last bits.
/// </summary>
public sealed class RotaryTable
{
    private readonly float[] _frequencies;
    private readonly float _magnitude;
    private float[] _cosines = [];
    private float[] _sines = [];
    private int _positions;

    /// <param name="layout">Which values turn together.</param>
    /// <param name="frequencies">Radians a position for each pair; as many pairs as turn (a head's remaining values stay).</param>
    /// <param name="magnitude">Factor on cosines and sines; 1 where the scaling names none.</param>
    public RotaryTable(RotaryLayout layout, ReadOnlySpan<float> frequencies, float magnitude = 1f)
    {
        Layout = layout;
        _frequencies = frequencies.ToArray();
        _magnitude = magnitude;
    }

    public RotaryLayout Layout { get; }

    /// <summary>Pairs that turn: half the rotary dimension.</summary>
    public int Pairs => _frequencies.Length;

    /// <summary>Makes the rows of positions 0 … positions − 1. Not thread-safe: call before dividing work.</summary>
    public void Extend(int positions)
    {
        if (positions <= _positions)
            return;
        int capacity = Math.Max(256, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)positions));
        Array.Resize(ref _cosines, capacity * Pairs);
        Array.Resize(ref _sines, capacity * Pairs);
        for (int position = _positions; position < capacity; position++)
        {
            for (int pair = 0; pair < Pairs; pair++)
            {
                float angle = (float)position * _frequencies[pair];
                _cosines[position * Pairs + pair] = (float)HostMath.Cos(angle) * _magnitude;
                _sines[position * Pairs + pair] = (float)HostMath.Sin(angle) * _magnitude;
            }
        }

        _positions = capacity;
    }

    /// <summary>Cosines of a position's pairs.</summary>
    public ReadOnlySpan<float> Cosines(int position) => _cosines.AsSpan(position * Pairs, Pairs);

    /// <summary>Sines of a position's pairs.</summary>
    public ReadOnlySpan<float> Sines(int position) => _sines.AsSpan(position * Pairs, Pairs);
}
