namespace Swarm.Node.Measurement;

/// <summary>One measured kernel.</summary>
/// <param name="Name">What ran: <c>read</c> and <c>multiply-add</c> are the floors; <c>decode</c> is one token, <c>batch</c> 16, <c>prefill</c> 512.</param>
/// <param name="Type">Weight format, or the element type of a floor.</param>
/// <param name="Shape">Rows × columns (× tokens).</param>
/// <param name="Threads">Threads that computed.</param>
/// <param name="BytesPerSecond">Weight bytes read per second, for what memory bounds; else null.</param>
/// <param name="FlopsPerSecond">Multiplications and additions per second, for what arithmetic bounds; else null.</param>
/// <param name="FloorFraction">Share of the floor measured in the same run: of <c>read</c>, or of <c>multiply-add</c> of the format's arithmetic, with as many threads.</param>
public sealed record KernelFigure(string Name, string Type, string Shape, int Threads, double? BytesPerSecond, double? FlopsPerSecond, double FloorFraction);
