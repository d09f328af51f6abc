using System.Text;
using Swarm.Models.Templates.Runtime;
using Swarm.Testing.Fuzzing;

namespace Swarm.Models.Tests.Fuzzing;

/// <summary>Writes templates that parse, with every filter, test and statement on whatever value comes along, so that evaluation is what gets fuzzed.</summary>
internal sealed class TemplateGrammar : IFuzzMutator
{
    private static readonly string[] Atoms =
    [
        "messages", "messages[0]", "x", "l", "d", "n", "f", "nope", "loop", "loop.index", "ns", "ns.x", "m", "caller", "varargs", "bos_token", "0", "1", "-1", "3", "7.5", "1e300", "10 ** 30",
        "true", "none", "''", "'a'", "' b\\n'", "'x,y'", "'%s %5.2f %(a)r'", "'{} {0[a].b!r}'", "'\u00e9\ud83d\ude42'", "[]", "[1, 'a', none]", "(1, 2)", "{'a': 1, 2: [x]}", "range(5)", "messages|map('upper')",
        "'<b>'|safe", "99999999999999999999", "namespace(q=l)", "joiner('-')", "cycler(1, 2)", "range", "d.items()", "x.get", "''.join", "dict(a=1)",
    ];

    private static readonly string[] Members =
    [
        ".a", ".items", ".items()", ".keys()", ".values()", ".get('a')", ".get(x)", "[0]", "[-1]", "[1:]", "[::-1]", "[:n]", "['a']", "[x]", "[::0]", ".strip()", ".strip('ab')", ".split()", ".split(',', 1)",
        ".rsplit('a')", ".replace('a', 'bb')", ".replace('', '-', 2)", ".join(l)", ".format(x, a=l)", ".upper()", ".title()", ".zfill(9)", ".center(11, '*')", ".find('a', -3, 99)", ".index('a')", ".count('')",
        ".splitlines(true)", ".partition('a')", ".startswith(('a', 'b'), 1)", ".append(1)", ".__class__", "()", "(1)", "(*l)", "(**d)", "(a=1, **x)", ".next()", ".cycle(*l)", ".changed(x)", ".length", ".nextitem", ".role",
    ];

    private static readonly string[] Arguments =
    [
        "", "(1)", "('a')", "('a', 'b')", "(2, 'x')", "(attribute='role')", "('role', 'equalto', 'user')", "(indent=2)", "(true)", "(-1)", "(x)", "('upper')", "(0)", "(first=true)", "(1, 'floor')", "(*l)", "(reverse=true)",
        "('a.0.b')", "(default=1)", "('format', 1)", "(99999)",
    ];

    private static readonly string[] Operators = [" + ", " - ", " * ", " / ", " // ", " % ", " ** ", " ~ ", " == ", " != ", " < ", " >= ", " in ", " not in ", " and ", " or "];

    private static readonly string[] FilterNames = [.. Filters.Names];

    private static readonly string[] TestNames = [.. Swarm.Models.Templates.Runtime.Tests.Names.Where(name => char.IsLetter(name[0]))];

    public byte[] Mutate(FuzzRandom random, IReadOnlyList<byte[]> seeds)
    {
        var text = new StringBuilder("{% set ns = namespace(x=1) %}{% macro m(a, b=x) %}{{ a }}{{ caller(1) if caller }}{% endmacro %}");
        Body(random, text, depth: 3);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Body(FuzzRandom random, StringBuilder text, int depth)
    {
        for (int count = 1 + random.Next(2); count > 0; count--)
            Statement(random, text, depth);
    }

    private static void Statement(FuzzRandom random, StringBuilder text, int depth)
    {
        if (depth == 0 || random.Chance(45))
        {
            text.Append(random.Pick(["", " ", "\n", "t "])).Append("{{").Append(random.Pick([" ", "- "])).Append(Value(random, 3)).Append(random.Pick([" ", " -"])).Append("}}");
            return;
        }

        (string open, string close) = random.Next(12) switch
        {
            0 => ($"if {Value(random, 2)}", "endif"),
            1 => ($"for i in {Value(random, 2)}", "endfor"),
            2 => ($"for a, b in {Value(random, 2)} if a", "endfor"),
            3 => ($"for i in {Value(random, 1)} recursive", "endfor"),
            4 => ($"set {random.Pick(["x", "ns.x", "a, b", "l"])} = {Value(random, 3)}", ""),
            5 => ($"set {random.Pick(["x", "ns.y", "n"])}|{random.Pick(FilterNames)}", "endset"),
            6 => ($"macro m(a, b={Value(random, 1)})", "endmacro"),
            7 => ($"call(q) m({Value(random, 1)})", "endcall"),
            8 => ($"filter {random.Pick(FilterNames)}{random.Pick(Arguments)}", "endfilter"),
            9 => ($"with x = {Value(random, 1)}, q = x", "endwith"),
            10 => ("generation", "endgeneration"),
            _ => ("for i in l", "endfor"),
        };
        text.Append("{% ").Append(open).Append(" %}");
        if (close.Length == 0)
            return;
        Body(random, text, depth - 1);
        if (close == "endfor" && random.Chance(30))
            text.Append(random.Pick(["{{ loop(i) }}", "{{ loop.last ~ loop.revindex }}", "{% break %}", "{% continue %}", "{% else %}e", "{{ loop.changed(i) }}"]));
        text.Append("{% ").Append(close).Append(" %}");
    }

    private static string Value(FuzzRandom random, int depth)
    {
        if (depth == 0 || random.Chance(20))
            return random.Pick(Atoms);
        return random.Next(9) switch
        {
            0 or 1 => $"({Value(random, depth - 1)}){random.Pick(Members)}",
            2 or 3 or 4 => $"({Value(random, depth - 1)})|{random.Pick(FilterNames)}{random.Pick(Arguments)}",
            5 => $"({Value(random, depth - 1)}) is {random.Pick(TestNames)}{random.Pick(["", "", "(1)", "(x)", "('a')"])}",
            6 => $"({Value(random, depth - 1)}){random.Pick(Operators)}({Value(random, depth - 1)})",
            7 => $"({Value(random, depth - 1)} if {Value(random, depth - 1)} else {Value(random, depth - 1)})",
            _ => $"{random.Pick(["not ", "-", "+"])}({Value(random, depth - 1)})",
        };
    }
}
