namespace Swarm.Kernels;

/// <summary>
/// Gives stored rows [<paramref name="firstRow"/>, <paramref name="firstRow"/> + <paramref name="rowCount"/>) of a matrix, row-major, in
/// its format's stored layout. The span is borrowed until the next call.
/// </summary>
public delegate ReadOnlySpan<byte> RowReader(int firstRow, int rowCount);
