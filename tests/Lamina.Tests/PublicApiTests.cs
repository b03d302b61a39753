using System.Reflection;
using System.Text;
using Lamina.Boot;
using Lamina.Tests.Reading;

namespace Lamina.Tests;

/// <summary>
/// What users of the library can call, written down: a change of it is seen in a review, and never happens by mistake.
/// </summary>
public class PublicApiTests
{
    /// <summary>More than this nobody reads through. What only the program or /init needs is internal.</summary>
    private const int MaxTypes = 90;

    private static readonly Dictionary<Type, string> s_keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
    };

    private static readonly NullabilityInfoContext s_nullability = new();

    [Fact]
    public void The_public_surface_of_the_libraries_is_the_one_written_down()
    {
        Type[] core = typeof(ByteSource).Assembly.GetExportedTypes(), boot = typeof(InitrdBuilder).Assembly.GetExportedTypes();
        Assert.InRange(core.Length + boot.Length, 2, MaxTypes);
        AssertWrittenDown("PublicApi.txt", core);
        AssertWrittenDown("PublicApi.Boot.txt", boot);
    }

    private static void AssertWrittenDown(string golden, Type[] types)
    {
        StringBuilder text = new();
        foreach (Type type in types.OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(Kind(type)).Append(' ').Append(type.Namespace).Append('.').Append(NameOf(type)).Append('\n');
            foreach (string member in Members(type).Distinct())
                text.Append("    ").Append(member).Append('\n');
        }
        Golden.AssertEqual(golden, text.ToString());
    }

    private static string Kind(Type type)
    {
        if (type.IsEnum)
            return "enum";
        if (typeof(Delegate).IsAssignableFrom(type))
            return "delegate";
        if (type.IsInterface)
            return "interface";
        string kind = type.GetMethod("<Clone>$") is not null ? "record" : type.IsValueType ? "struct" : "class";
        return type is { IsAbstract: true, IsSealed: true } ? $"static {kind}" : type.IsAbstract ? $"abstract {kind}" : kind;
    }

    private static IEnumerable<string> Members(Type type)
    {
        const BindingFlags declared =
            BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static |
            BindingFlags.DeclaredOnly;
        if (type.IsEnum)
            return Enum.GetNames(type).Select(name => $"{name} = {Convert.ToInt64(Enum.Parse(type, name))}");
        // What the compiler makes of a record beside what is written goes without saying.
        string[] made =
        [
            "<Clone>$", "PrintMembers", "Deconstruct", "EqualityContract", "Equals", "GetHashCode", "ToString",
        ];
        return type.GetMembers(declared)
            .Where(member => !made.Contains(member.Name))
            .OrderBy(member => member.Name, StringComparer.Ordinal)
            .Select(member => member switch
            {
                ConstructorInfo one when IsSeen(one) => $"new({Parameters(one)})",
                FieldInfo { IsPublic: true, IsLiteral: true } one =>
                    $"const {NameOf(one.FieldType)} {one.Name} = {one.GetRawConstantValue()}",
                FieldInfo { IsPublic: true } one => $"{NameOf(one.FieldType)} {one.Name}",
                PropertyInfo one when Accessors(one) is { Length: > 0 } accessors =>
                    $"{Static(one.GetMethod)}{NameOf(one.PropertyType)}{Mark(s_nullability.Create(one))} " +
                    $"{one.Name} {{ {accessors}}}",
                MethodInfo { IsSpecialName: false } one when IsSeen(one) =>
                    $"{Static(one)}{NameOf(one.ReturnType)}{Mark(s_nullability.Create(one.ReturnParameter))} " +
                    $"{one.Name}({Parameters(one)})",
                _ => "",
            })
            .Where(text => text.Length > 0);
    }

    private static string Accessors(PropertyInfo property)
    {
        bool isInit = property.SetMethod?.ReturnParameter.GetRequiredCustomModifiers().Length > 0;
        return (IsSeen(property.GetMethod) ? "get; " : "") + (IsSeen(property.SetMethod) ? isInit ? "init; " : "set; " : "");
    }

    private static bool IsSeen(MethodBase? method) =>
        method is { IsPublic: true } or { IsFamily: true } or { IsFamilyOrAssembly: true };

    /// <summary>The question mark of a reference that may be null; values have theirs in their type.</summary>
    private static string Mark(NullabilityInfo info) =>
        info.ReadState == NullabilityState.Nullable && !info.Type.IsValueType ? "?" : "";

    private static string Static(MethodBase? method) => method is { IsStatic: true } ? "static " : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
    {
        string how = parameter.IsOut ? "out " : parameter.IsIn ? "in " : parameter.ParameterType.IsByRef ? "ref " : "";
        string rest = parameter.IsDefined(typeof(ParamArrayAttribute)) ? "params " : "";
        string value = parameter.HasDefaultValue ? $" = {parameter.RawDefaultValue ?? "default"}" : "";
        string mark = Mark(s_nullability.Create(parameter));
        return $"{rest}{how}{NameOf(parameter.ParameterType)}{mark} {parameter.Name}{value}";
    }));

    private static string NameOf(Type type)
    {
        if (type.IsByRef)
            return NameOf(type.GetElementType()!);
        if (type.IsArray)
            return NameOf(type.GetElementType()!) + "[]";
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return NameOf(underlying) + "?";
        if (s_keywords.TryGetValue(type, out string? keyword))
            return keyword;
        string name = type.IsNested && !type.IsGenericParameter ? $"{NameOf(type.DeclaringType!)}.{type.Name}" : type.Name;
        if (!type.IsGenericType)
            return name;
        string arguments = string.Join(", ", type.GetGenericArguments().Select(NameOf));
        return $"{name[..name.IndexOf('`', StringComparison.Ordinal)]}<{arguments}>";
    }
}
