using Spectre.Console;
using Swarm.Cli.Framework;
using Swarm.Kernels;
using Swarm.Node.Measurement;

namespace Swarm.Cli.Commands;

/// <summary>The kernels by themselves: decode against plain reading, batch and prefill against plain arithmetic.</summary>
internal sealed class BenchKernelsCommand : CommandDefinition
{
    private static readonly Setting<WeightFormat[]?> Types =
        new("types", "T,U", "weight formats, such as q4_k,q6_k (default: all)", Values.WeightFormats, null, inputOnly: true);

    public override string Name => "kernels";

    public override string Description => "matrix products of every weight format against reading and arithmetic";

    public override IReadOnlyList<ISetting> Settings => [CommonSettings.Threads, Types];

    public override Task<int> RunAsync(CommandContext context)
    {
        using (ModelOpening.CreateKernels(context, reference: false))
        {
            // The self-test has run.
        }

        List<KernelFigure> figures = [];
        foreach (KernelFigure figure in new KernelMeasurement(context.Time).Run(context.Get(CommonSettings.Threads), formats: context.Get(Types), cancellationToken: context.Interrupts.Polite))
        {
            context.Interrupts.Polite.ThrowIfCancellationRequested();
            figures.Add(figure);
            context.Events?.Write("kernel", json =>
            {
                json.WriteString("name", figure.Name);
                json.WriteString("type", figure.Type);
                json.WriteString("shape", figure.Shape);
                json.WriteNumber("threads", figure.Threads);
                if (figure.BytesPerSecond is { } bytes)
                    json.WriteFinite("bytesPerSecond", bytes);
                if (figure.FlopsPerSecond is { } flops)
                    json.WriteFinite("flopsPerSecond", flops);
                json.WriteFinite("floorFraction", figure.FloorFraction);
            });
            if (context.ShowsProgress)
                context.Say($"{figure.Name} {figure.Type} done");
        }

        if (context.Events is { } events)
        {
            events.Write("done", json => json.WriteNumber("kernels", figures.Count));
            return Task.FromResult(ExitCode.Done);
        }

        Table table = new() { Border = TableBorder.Simple };
        table.AddColumns("kernel", "type", "shape");
        foreach (string column in (string[])["bytes read", "operations", "of the floor"])
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (KernelFigure figure in figures)
        {
            table.AddRow(
                figure.Name, figure.Type, figure.Shape, figure.BytesPerSecond is { } bytes ? Sizes.Rate(bytes) : "",
                figure.FlopsPerSecond is { } flops ? FormattableString.Invariant($"{flops / 1e9:F1} G/s") : "", Sizes.Percent(figure.FloorFraction));
        }

        context.OutConsole.Write(table);
        context.Out.WriteLine($"{context.Get(CommonSettings.Threads)} threads; floors: read (plain reading of memory) for decode; for batch and prefill multiply-add, F32 for float formats, Int8 for quantized ones.");
        return Task.FromResult(ExitCode.Done);
    }
}
